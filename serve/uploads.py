"""The one door for uploads: multipart bodies are counted as they come in, and refused once they are too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from metaart.errors import TooLarge, UserError, WrongFormat
from serve.problems import UnavailableError


@dataclass(frozen=True)
class UploadBounds:
    """What an upload may be at most.

    Attributes:
        max_body_bytes: of the whole body.
        max_file_bytes: of one file.
        max_field_bytes: of one text field.
        max_seconds: from the first byte to the last.
        max_at_once: uploads that one process reads at the same time.
    """

    max_body_bytes: int = 16 * 2**20
    max_file_bytes: int = 2 * 2**20
    max_field_bytes: int = 8 * 2**10
    max_seconds: float = 60.0
    max_at_once: int = 32


@dataclass
class Upload:
    """One file of a form."""

    name: str
    data: bytearray = field(default_factory=bytearray)


@dataclass
class Form:
    """What a multipart body held: files and text fields, by the name of their field."""

    files: dict[str, list[Upload]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)


class UploadDesk:
    """Reads the forms of one process within bounds."""

    def __init__(self, bounds: UploadBounds = UploadBounds()) -> None:
        self.bounds = bounds
        self._at_once = 0

    async def read(
        self, request: Request, *, files: Mapping[str, int], fields: frozenset[str], bounds: UploadBounds | None = None
    ) -> Form:
        """The form that a request carries.

        Args:
            request: whose body nobody has read.
            bounds: of this form, where they are not the desk's.
            files: how many files each file field may have at most.
            fields: names of the text fields; each may come once.

        Raises:
            TooLarge: more bytes or files than the bounds allow.
            WrongFormat: the body is not multipart/form-data, or broken.
            UserError: a field that is unknown or comes twice.
            UnavailableError: too many uploads at the same time.
        """
        boundary, bounds = _boundary(request), bounds or self.bounds
        # Refused before a byte is read, if the header tells the truth; what comes is counted all the same. Eighteen
        # digits are enough to be too many, and int() refuses thousands of them with an error of its own.
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:18]) > bounds.max_body_bytes:
            raise _body_too_large(bounds, f"one of {int(announced[:18]):,}")
        reader = _FormReader(boundary, bounds, files, fields)
        with self._slot():
            try:
                # A sender that drips one byte a second would hold its place for ever.
                async with asyncio.timeout(bounds.max_seconds):
                    return await reader.read(request.stream())
            except TimeoutError as error:
                raise HTTPException(408, f"the upload took more than {bounds.max_seconds:g} seconds") from error

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._at_once >= self.bounds.max_at_once:
            raise UnavailableError("Too many uploads at the same time.", retry_after_s=2)
        self._at_once += 1
        try:
            yield
        finally:
            self._at_once -= 1


class _FormReader:
    """One pass over one body."""

    def __init__(self, boundary: bytes, bounds: UploadBounds, files: Mapping[str, int], fields: frozenset[str]) -> None:
        self._bounds, self._file_fields, self._text_fields = bounds, files, fields
        self._form = Form()
        self._texts: dict[str, bytearray] = {}
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._data, self._limit, self._what = bytearray(), 0, ""
        self._complete = False
        # All of it comes in pieces, headers too: a chunk may end anywhere.
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._part_begins,
                "on_part_data": self._part_grows,
                "on_end": self._body_ends,
            },
        )

    async def read(self, stream: AsyncIterator[bytes]) -> Form:
        received = 0
        try:
            async for chunk in stream:
                received += len(chunk)
                if received > self._bounds.max_body_bytes:
                    raise _body_too_large(self._bounds, "more")
                self._parser.write(chunk)
        except FormParserError as error:
            raise _broken(str(error)) from error
        finally:
            del self._parser  # which knows this reader: the form would be held until the next collection of cycles
        # The parser does not mind a body that is cut off.
        if not self._complete:
            raise _broken(f"a body of {received:,} bytes that ends before its last boundary")
        # Only now, for a character may begin in one chunk and end in the next.
        for name, text in self._texts.items():
            try:
                self._form.fields[name] = text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    expected=f"the field {name} in UTF-8", got=f"byte {text[error.start]:#x}", fix="Encode it as UTF-8."
                ) from error
        return self._form

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _part_begins(self) -> None:
        _, options = parse_options_header(self._disposition)
        # A part without this header must not inherit that of the part before.
        self._disposition = b""
        name = _shown(options.get(b"name", b""))
        if name in self._file_fields:
            files = self._form.files.setdefault(name, [])
            if len(files) >= self._file_fields[name]:
                raise _too_many_files(name, self._file_fields[name])
            # A name from outside is only shown, never opened.
            upload = Upload(_shown(options.get(b"filename", b"")) or f"{name} {len(files) + 1}")
            files.append(upload)
            self._data, self._limit, self._what = upload.data, self._bounds.max_file_bytes, upload.name
        elif name in self._text_fields and name not in self._texts:
            self._data = self._texts[name] = bytearray()
            self._limit, self._what = self._bounds.max_field_bytes, f"the field {name}"
        else:
            raise UserError(
                expected=f"the fields {', '.join([*self._file_fields, *sorted(self._text_fields)])}",
                got=f"{name} twice" if name in self._texts else repr(name),
                fix="Name each part after one of them; /docs has an example.",
            )

    def _part_grows(self, data: bytes, start: int, end: int) -> None:
        # Before it is added: memory never holds more than the bound.
        if len(self._data) + end - start > self._limit:
            raise TooLarge(
                expected=f"at most {self._limit:,} bytes for {self._what}", got="more", fix="Send a smaller one."
            )
        self._data += data[start:end]

    def _body_ends(self) -> None:
        self._complete = True


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise WrongFormat(
            expected="a body of multipart/form-data with a boundary",
            got=_shown(request.headers.get("content-type", "").encode("latin-1")) or "a request without a content type",
            fix="Send files as a form, for example with `curl -F examples=@a.mid`; /docs has an example.",
        )
    return options[b"boundary"]


def _shown(name: bytes) -> str:
    """A name from outside, fit to stand in a message."""
    # Control characters would reach terminals and logs.
    text = name.decode("utf-8", errors="replace")[:80]
    return "".join(character if character.isprintable() else "?" for character in text)


def _broken(got: str) -> WrongFormat:
    return WrongFormat(
        expected="a whole body of multipart/form-data", got=got, fix="Let an HTTP library or curl build the form."
    )


def _body_too_large(bounds: UploadBounds, got: str) -> TooLarge:
    return TooLarge(
        expected=f"an upload of at most {bounds.max_body_bytes:,} bytes in all, {bounds.max_file_bytes:,} a file",
        got=got,
        fix="Send single pieces, or smaller pictures.",
    )


def _too_many_files(name: str, limit: int) -> TooLarge:
    return TooLarge(
        expected=f"at most {limit} file{'s' * (limit > 1)} in the field {name}",
        got=f"{limit + 1} or more",
        fix="Send a handful: five say most of it.",
    )
