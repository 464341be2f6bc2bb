"""The one error that a user is meant to read."""

from __future__ import annotations


class UserError(ValueError):
    """Input that cannot be used, said so that the reader can mend it.

    Args:
        expected: what would have been accepted.
        got: what came instead.
        fix: the next thing to try.

    The command line prints it on one paragraph and exits with 2; the service answers 413, 415 or 422 with it.
    """

    def __init__(self, *, expected: str, got: str, fix: str) -> None:
        super().__init__(f"expected {expected}; got {got}. {fix}")
        self.expected, self.got, self.fix = expected, got, fix

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.expected, self.got, self.fix)


class TooLarge(UserError):
    """A file or upload above a bound that is counted before anything is decoded (HTTP 413)."""


class WrongFormat(UserError):
    """Bytes that are not in the format their place asks for (HTTP 415)."""


def _rebuild(kind: type[UserError], expected: str, got: str, fix: str) -> UserError:
    return kind(expected=expected, got=got, fix=fix)
