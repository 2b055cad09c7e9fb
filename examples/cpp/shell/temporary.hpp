// A folder for the file of a database without a name.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

namespace shell {

/** A folder of this process, which its end removes. */
class TemporaryFolder {
public:
    TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "sqlite-shell-XXXXXX").string()) {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + ": the folder cannot be created");
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() { remove(path_); }

    std::string file() const { return path_ + "/shell.db"; }

    /** From now on a signal that ends the process removes the folder first. Call it before other threads start. */
    void remove_on_signals() const {
        sigset_t ends;
        sigemptyset(&ends);
        for (const int one : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ends, one);
        pthread_sigmask(SIG_BLOCK, &ends, nullptr);
        std::thread([ends, path = path_] {
            int signal = 0;
            sigwait(&ends, &signal);
            remove(path);
            _exit(128 + signal);
        }).detach();
    }

private:
    static void remove(const std::string &path) {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::string path_;
};

}  // namespace shell
