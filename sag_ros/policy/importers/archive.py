"""Archives of ``torch.save``, read by an unpickler that knows tensors, containers and settings, and nothing
else.

A pickle is a program: whoever wrote it decides what runs. Here every name that it asks for is looked up in a
table of stand-ins; one that is not in it ends the reading, with the name. Tensors stay in the file until they
are asked for.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

_LARGEST = 64 << 20  # bytes of the pickle itself, which holds no numbers
DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class ArchiveError(ValueError):
    """A file that cannot be read; the text names it, what was found, and what to do."""


@dataclass(frozen=True)
class Stored:
    """A tensor in the archive.

    Attributes:
        storage: its name in the archive. dtype: of its numbers. count: how many that holds.
        offset, size, stride: of the tensor in it, numbers.
    """

    archive: Archive
    storage: str
    dtype: torch.dtype
    count: int
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def load(self) -> Tensor:
        """The tensor, a copy. Raises ArchiveError for a storage that is missing or too short."""
        content = self.archive.content(f"data/{self.storage}")
        itemsize = torch.empty(0, dtype=self.dtype).element_size()
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        needed = 0 if 0 in self.size else last + 1
        if min((self.offset, *self.size, *self.stride)) < 0 or needed > len(content) // itemsize:
            raise ArchiveError(
                f"{self.archive.path}: a tensor of {self.size} ends at number {needed}, its storage "
                f"{self.storage} has {len(content) // itemsize}; the file is damaged, copy it again"
            )
        if not len(content):
            return torch.empty(self.size, dtype=self.dtype)
        numbers = torch.frombuffer(bytearray(content), dtype=self.dtype, count=len(content) // itemsize)
        return torch.as_strided(numbers, self.size, self.stride, self.offset).clone()


class Archive:
    """An open file of ``torch.save``."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self.path, self._file = path, file
        names = [name for name in file.namelist() if name.endswith("data.pkl")]
        if len(names) != 1:
            raise ArchiveError(f"{path}: holds {len(names)} data.pkl; a file of torch.save holds one")
        self._root = names[0].removesuffix("data.pkl")
        order = f"{self._root}byteorder"
        if order in file.namelist() and file.read(order) != b"little":
            raise ArchiveError(f"{path}: numbers are stored big-endian; save it again on a usual PC")

    def content(self, name: str) -> bytes:
        """Bytes of a member. Raises ArchiveError where it is missing."""
        try:
            return self._file.read(self._root + name)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ArchiveError(
                f"{self.path}: {name} is missing or damaged ({error}); copy it again"
            ) from None

    def read(self) -> Any:
        """What was saved: containers, numbers, text, :class:`Stored` tensors and :class:`Settings`."""
        if self._file.getinfo(self._root + "data.pkl").file_size > _LARGEST:
            raise ArchiveError(f"{self.path}: its pickle is larger than {_LARGEST >> 20} MiB")
        with self._file.open(self._root + "data.pkl") as file:
            try:
                return _Unpickler(file, self).load()
            except ArchiveError:
                raise
            except Exception as error:  # whatever a damaged program does
                raise ArchiveError(
                    f"{self.path}: unreadable ({type(error).__name__}: {error}); copy it again"
                ) from None


class _Closed(type):
    """Of classes that a pickle cannot change."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise ArchiveError(f"the pickle tries to change {cls.__name__}.{name}")


class _Call:
    """A function that a pickle can call and not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise ArchiveError(f"the pickle tries to change {self._function.__name__}")


class Settings(metaclass=_Closed):
    """A node of OmegaConf as it was pickled; :func:`plain` makes containers of it."""

    def __init__(self, *_: Any) -> None:
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, Mapping) else {}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, archive: Archive) -> None:
        super().__init__(file, encoding="utf-8")
        self._archive = archive

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name; nothing is imported."""
        if module in ("torch", "torch.storage") and name in DTYPES:
            return DTYPES[name]
        if module.split(".")[0] == "omegaconf":
            return Settings
        known = _KNOWN.get((module, name))
        if known is None:
            raise ArchiveError(
                f"{self._archive.path}: asks for {module}.{name}, which is not read: only tensors, "
                "containers, numbers, text and OmegaConf settings are. Save the state dictionaries alone"
            )
        return known

    def persistent_load(self, identity: Any) -> Any:
        """A storage, as torch names it: ("storage", type, name, device, count)."""
        kind, dtype, name, _, count = identity
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise ArchiveError(f"{self._archive.path}: a storage of an unknown kind: {identity!r:.80}")
        if not isinstance(name, str) or "/" in name or ".." in name:
            raise ArchiveError(f"{self._archive.path}: a storage called {name!r:.80}")
        return self._archive, name, dtype, int(count)


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Stored:
    archive, name, dtype, count = storage
    return Stored(archive, name, dtype, count, int(offset), tuple(map(int, size)), tuple(map(int, stride)))


def _first(value: Any, *_: Any) -> Any:
    return value


def _encoded(text: str, encoding: str = "utf-8") -> bytes:
    if encoding != "latin1":
        raise ArchiveError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


def _nothing(*arguments: Any) -> bytes:
    """``bytes()``, as protocol 2 writes empty ones; a number would ask for as much memory as it says."""
    if arguments:
        raise ArchiveError("bytes are made in a way that torch.save does not use")
    return b""


_CONTAINERS = (dict, list, tuple, set, frozenset, int, float, bool, str, complex)


def _type(name: str) -> type:
    """A type as dill names it, which the public code saves with; others than containers mean nothing here."""
    return {kind.__name__: kind for kind in _CONTAINERS}.get(name, Settings)


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): _Call(_tensor),
    ("torch._utils", "_rebuild_parameter"): _Call(_first),
    ("torch", "Size"): tuple,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("_codecs", "encode"): _Call(_encoded),
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in _CONTAINERS},
    **{(module, "bytes"): _Call(_nothing) for module in ("builtins", "__builtin__")},
    ("dill._dill", "_load_type"): _Call(_type),
    # Names of types in settings, which mean nothing here.
    **{("typing", name): Settings for name in ("Any", "Dict", "List", "Tuple", "Union", "Optional")},
}


@contextmanager
def read_archive(path: str | Path) -> Iterator[Any]:
    """What a file of ``torch.save`` holds; its tensors can be loaded within the context.

    Raises:
        ArchiveError: no such file, another format, damage, or a name that is not read.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as file:
            yield Archive(path, file).read()
    except (OSError, zipfile.BadZipFile) as error:
        raise ArchiveError(
            f"{path}: not an archive of torch.save ({error}); before torch 1.6 it wrote another format: load "
            "such a file with torch and save it again"
        ) from None


def plain(node: Any) -> Any:
    """Settings as dictionaries, lists and values."""
    if isinstance(node, Settings):
        state = node.state
        return plain(state["_content"]) if "_content" in state else plain(state.get("_val"))
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [plain(value) for value in node]
    return node
