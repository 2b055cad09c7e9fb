/*
 * tenon.hpp: Tenon for C++17, on top of tenon.h. Programs include this file; its parts lie in the folder beside it.
 *
 *     tenon::Server app("demo", "1.0.0");
 *     auto add = tenon::tool("add");
 *     add.description("Add two numbers.").param("a", "number").param("b", "number");
 *     add.handler([](tenon::Call &call) { return call.arg<double>("a") + call.arg<double>("b"); });
 *     app.add(std::move(add));
 *     app.listen_stdio();
 *     return app.run();
 *
 * NAMES. What is done with a server, an entry, a call, a result, an answer or a request is a member of its class and bears the
 * name of the C function without the prefix. Contracts, units, defaults and threads are those of the C function; here stands
 * what differs.
 *
 * TEXT. Text that goes in is a std::string_view and is copied. JSON goes in as text too. Text that comes out as a
 * std::string_view is borrowed: it lives as long as the call, the answer or the request it came from.
 *
 * ERRORS. What fails throws tenon::Error, with the status and one sentence. Members of Entry and Result that describe
 * something do not throw for what the library finds wrong: Server::add() and Call::complete() do, with the first thing that was
 * wrong. That a call has ended is no error: members that complete a call return false then. A std::string_view that holds a
 * NUL where C takes a NUL-terminated text is refused with TENON_ERR_INVALID.
 *
 * EXCEPTIONS OF CALLBACKS never reach the library. What a handler or middleware throws completes its call as failed, with
 * what() for the client to read, whatever "mask_errors" says: so throw what the model may read. ArgumentError refuses the
 * arguments. Where the library knows the reason itself (an argument that is missing, a client that cannot be asked) the call
 * fails with that reason. In a log, a `ready` function and a destructor exceptions are dropped; those of functions that
 * Server::entries() and Server::exchange() call are thrown on by these.
 *
 * QUESTIONS. Call::elicit() and the like return the answer, or throw Suspended: the question has gone to the client, and the
 * handler is called again from its top when the answer is there. Do not catch it; it is no std::exception. To ask several
 * questions at once, use Call::try_ask() for each, and return after the last if one is without answer.
 *
 * LIFE. Objects own what they stand for and can be moved; what was moved from holds nothing, and its functions throw
 * TENON_ERR_NULL. Call is borrowed and good until its handler returns; Call::keep() makes a KeptCall, which can be copied and
 * handed to other threads. Do not destroy a Server inside one of its callbacks.
 */

#ifndef TENON_HPP
#define TENON_HPP

#include <tenon/answer.hpp>
#include <tenon/base.hpp>
#include <tenon/call.hpp>
#include <tenon/entry.hpp>
#include <tenon/http.hpp>
#include <tenon/read.hpp>
#include <tenon/result.hpp>
#include <tenon/server.hpp>

#endif  // TENON_HPP
