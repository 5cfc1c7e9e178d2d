#!/usr/bin/env python3
"""Every example in the README and in docs/ prints what it says it prints. scripts/update_golden rewrites them for review."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import doc_examples


def main() -> int:
    program, root = sys.argv[1], pathlib.Path(sys.argv[2])
    passed = failed = 0
    for document in doc_examples.documents(root):
        for command, good, actual in doc_examples.check(document, program):
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"{document.relative_to(root)}: $ {command}\nprinted:\n{actual}")
    print(f"cases: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
