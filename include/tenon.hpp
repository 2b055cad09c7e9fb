/*
 * tenon.hpp: Tenon for C++17, on top of tenon.h. Programs include this file. Its parts are in the folder tenon/.
 *
 *     tenon::Server app("demo", "1.0.0");
 *     auto add = tenon::tool("add");
 *     add.description("Add two numbers.").param("a", "number").param("b", "number");
 *     add.handler([](tenon::Call &call) { return call.arg<double>("a") + call.arg<double>("b"); });
 *     app.add(std::move(add));
 *     app.listen_stdio();
 *     return app.run();
 *
 * NAMES. A function of tenon.h is a member of the class of its object, and has the same name without the prefix. Contracts,
 * units, defaults and thread rules are those of the C function. The comments here describe only the differences.
 *
 * TEXT. Input text is a std::string_view and is copied. JSON is passed as text too. Output text is a borrowed
 * std::string_view: it lives as long as the call, the answer or the request that it came from.
 *
 * ERRORS. A failing function throws tenon::Error, with the status and one sentence. Setters of Entry and Result do not throw
 * if the library refuses a value; Server::add() and Call::complete() then throw the first of these errors. A call that has
 * ended is not an error: members that complete a call return false. A std::string_view that contains a NUL is refused with
 * TENON_ERR_INVALID if the C function takes a NUL-terminated string.
 *
 * EXCEPTIONS OF CALLBACKS never reach the library. An exception of a handler or of middleware completes its call as failed.
 * The client gets what(), even if "mask_errors" is on, so throw only text that the model may read. ArgumentError refuses
 * the arguments. If the library knows the reason itself (a missing argument, a client that cannot be asked), the call fails
 * with that reason. Exceptions of a log, a `ready` function or a destructor are dropped. Server::entries() and
 * Server::exchange() rethrow the exceptions of the functions that they call.
 *
 * QUESTIONS. Call::elicit() and the other question members return the answer, or throw Suspended: the question has gone to the
 * client, and the handler is called again from its top when the answer has come. Do not catch Suspended; it is not a
 * std::exception. To ask several questions at once, use Call::try_ask() for each, and return after the last one if an answer
 * is missing.
 *
 * LIFETIMES. Objects own their handle and can be moved. A moved-from object has no handle, and its functions throw
 * TENON_ERR_NULL. A Call is borrowed and valid until its handler returns. Call::keep() makes a KeptCall, which can be copied
 * and passed to other threads. Do not destroy a Server inside one of its callbacks.
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
#include <tenon/settings.hpp>

#endif  // TENON_HPP
