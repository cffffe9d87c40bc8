"""Where in a TOML text each key stands, for messages that name a line.

The standard library's parser keeps no positions.  This scanner walks over a text that the
parser has accepted already and notes the line of every key and array element.
"""

import re
import tomllib

__all__ = ["KeyPath", "key_lines"]

KeyPath = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_MULTILINE = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:""|")?|\'\'\'.*?\'\'\'(?:\'\'|\')?', re.DOTALL)
_ATOM = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line number (from 1) of every key of a valid TOML text.

    Parameters
    ----------
    text : str
        A text that `tomllib.loads` accepts.

    Returns
    -------
    dict
        From the path of a key, such as ("system", "layers", 2, "thickness"), to its line.
        Empty if the text could not be followed.

    Examples
    --------
    >>> key_lines("a = 1\\n[[b]]\\nc = [\\n 2]")[("b", 0, "c", 0)]
    4
    """
    try:
        return _Scanner(text.replace("\r\n", "\n")).scan()
    except _LostError:
        return {}


class _LostError(Exception):
    """The scanner met something it does not know."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}
        self._line, self._line_at = 1, 0

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.skip(newlines=True):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.assignment(table)
        return self.lines

    def header(self) -> KeyPath:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        self.skip()
        *parents, last = self.key()
        path: KeyPath = ()
        for part in parents:
            path = self.resolve((*path, part))
            self.lines.setdefault(path, self.line())
        path = (*path, last)
        if array:
            self.lines.setdefault(path, self.line())
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self.resolve(path)
        self.lines[path] = self.line()
        self.skip()
        self.expect("]]" if array else "]")
        return path

    def resolve(self, path: KeyPath) -> KeyPath:
        """Inside an array of tables a header means its latest element."""
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def assignment(self, table: KeyPath) -> None:
        line = self.line()
        path = table
        for part in self.key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.skip()
        self.expect("=")
        self.skip()
        self.value(path)

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip()
            if match := _QUOTED.match(self.text, self.at):
                parts.append(tomllib.loads(f"k = {match[0]}")["k"])
            elif match := _BARE.match(self.text, self.at):
                parts.append(match[0])
            else:
                raise _LostError
            self.at = match.end()
            self.skip()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def value(self, path: KeyPath) -> None:
        if self.text.startswith("[", self.at):
            self.array(path)
        elif self.text.startswith("{", self.at):
            self.inline_table(path)
        else:
            for pattern in (_MULTILINE, _QUOTED, _ATOM):
                if match := pattern.match(self.text, self.at):
                    self.at = match.end()
                    return
            raise _LostError

    def array(self, path: KeyPath) -> None:
        self.expect("[")
        index = 0
        while self.skip(newlines=True) and not self.text.startswith("]", self.at):
            self.lines[(*path, index)] = self.line()
            self.value((*path, index))
            index += 1
            self.skip(newlines=True)
            if self.text.startswith(",", self.at):
                self.at += 1
        self.expect("]")

    def inline_table(self, path: KeyPath) -> None:
        self.expect("{")
        while self.skip(newlines=True) and not self.text.startswith("}", self.at):
            self.assignment(path)
            self.skip(newlines=True)
            if self.text.startswith(",", self.at):
                self.at += 1
        self.expect("}")

    def skip(self, newlines: bool = False) -> bool:
        """Pass over blanks (and, between lines, newlines and comments); is anything left?"""
        blanks = " \t\n" if newlines else " \t"
        while self.at < len(self.text):
            if self.text[self.at] in blanks:
                self.at += 1
            elif newlines and self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return True
        return False

    def expect(self, token: str) -> None:
        if not self.text.startswith(token, self.at):
            raise _LostError
        self.at += len(token)

    def line(self) -> int:
        self._line += self.text.count("\n", self._line_at, self.at)
        self._line_at = self.at
        return self._line
