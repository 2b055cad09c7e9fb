// A server with one tool. It uses stdio, or HTTP if the argument is an address such as 127.0.0.1:8000.
#include <iostream>
#include <tenon.hpp>

int main(int argc, char **argv) try {
    tenon::Server app("demo", "1.0.0");
    auto add = tenon::tool("add");
    add.description("Add two numbers.").param("a", "number").param("b", "number");
    add.handler([](tenon::Call &call) { return call.arg<double>("a") + call.arg<double>("b"); });
    app.add(std::move(add));
    argc > 1 ? app.listen_http(argv[1]) : app.listen_stdio();
    return app.run();
} catch (const std::exception &error) {
    std::cerr << "quickstart: " << error.what() << '\n';
    return 1;
}
