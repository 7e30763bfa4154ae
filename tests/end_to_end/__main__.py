"""The serverless host, end to end, in an emulator of AWS.

    python tests/end_to_end test BOOTSTRAP [NAME…]      every scenario, or those that are named; exit code 1 if one fails
    python tests/end_to_end emulate BOOTSTRAP [--stay]  one order, by the AWS command line; `--stay` leaves all running for whoever looks

BOOTSTRAP is the program of the functions, built for this machine. The Python is one with `ministack`, boto3 and `awscli`: `cargo xtask
test` and `cargo xtask emulate` bring it.
"""

import sys

sys.dont_write_bytecode = True

import emulate  # noqa: E402
import run  # noqa: E402


def main():
    match sys.argv[1:]:
        case ["test", bootstrap, *names]:
            return run.run(bootstrap, names)
        case ["emulate", bootstrap, *rest] if rest in ([], ["--stay"]):
            return emulate.emulate(bootstrap, stay=bool(rest))
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
