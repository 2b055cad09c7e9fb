"""Paths that mean to lead out of a folder: a hundred of them and more."""

TARGETS = ["etc/passwd", "secret.txt"]
UP = [
    "../", "./../", "x/../../", "../../../../../../../../", "..//", ".././", "../x/../../", "/../", "//../",
    "..\\", ".\\..\\", "..\\../", "%2e%2e/", "%2e%2e%2f", "..%2f", "%2E%2E%2F", ".%2e/", "%2e./",
    "%252e%252e%252f", "%252e%252e/", "..%252f", "%25252e%25252e%25252f", "..%5c", "%2e%2e%5c", "..%255c",
    "x%2f..%2f../", "x/..%2f..%2f", ".../...//", "....//", "..../", ". ./", ".. /", " ../", "..%00/", "../\0",
    "..;/", "..%3b/../", "~/../../", "x/./.././../", "./././../", "%c0%ae%c0%ae/../", "..%c0%af../",
    "%u002e%u002e/../", "．．/../", "..∕../", "x/y/../../../", "inside/../../", "inside/deep/../../../",
]  # fmt: skip
ABSOLUTE = [
    "/etc/passwd", "//etc/passwd", "///etc/passwd", "/./etc/passwd", "/proc/self/environ", "\\etc\\passwd",
    "\\\\host\\share", "C:\\Windows\\win.ini", "%2fetc%2fpasswd", "%2Fetc/passwd", "%252fetc%252fpasswd",
    "/dev/zero", "/", "..", "../", "%2e%2e", "%252e%252e", "x/..", "x/../..", "\0", "a\0b", "inside\0", ".\\", "...",
    "file:///etc/../../passwd", "....", "inside/..", "./..",
]  # fmt: skip
LINKS = ["out/secret.txt", "out", "out/../secret.txt", "inside/out/secret.txt", "file-out", "loop", "loop/x"]
PATHS = [up + target for target in TARGETS for up in UP] + ABSOLUTE + LINKS
assert len(set(PATHS)) >= 100
