"""The fork server: a Python process that has imported what workers need, and becomes one of them when it is asked.

    python3 [OPTIONS] -c THIS DIRECTORY_OF_THE_SCRIPT SCRIPT MODULES VARIABLES

SCRIPT is what most workers will run. MODULES are imported. VARIABLES are those that differ from worker to worker: they are
not set here, and whatever looked at one of them is imported again in the worker. PENSTOCK_ROOM in the environment is the place
where /proc shows them.

Descriptor 3 is a socket. Once everything is imported, descriptor 4 holds why this cannot be a fork server (or nothing) and
the files that it consists of, and "R" is sent. Then a spare is forked, and again after each message that comes: "S" and its
pid are sent with a socket to it. A spare waits for an order and a log, answers "R" (or "!" and why it must not be used) and
becomes that worker at the word to begin. Before the order it rehearses. The end of its socket is the end of each of them."""

import builtins
import errno
import fcntl
import functools
import gc
import importlib
import importlib.machinery
import importlib.util
import itertools
import os
import select
import signal
import socket
import sys
import time
import traceback
import types
import warnings

CONTROL, FACTS = 3, 4
RESIDENT_MAX = 2 << 30
CLOCK_TICK_SECONDS = 0.02  # the times of files are kept in steps of up to so much
GPUS = "CUDA_VISIBLE_DEVICES"
ROOM = "PENSTOCK_ROOM"
FAULT_AROUND = 64 << 10
TOUCH_SECONDS = 0.02  # with large libraries it would take long
REHEARSED = "PENSTOCK_REHEARSED"
HARMLESS_FILES = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}
STARTED_NS = time.time_ns()
time.sleep(CLOCK_TICK_SECONDS)  # a file that changes from here on has a later time, and one that changed before has not


class Imports:
    """Imports modules and learns who imported whom, and who looked at which variables."""

    def __init__(self, variables):
        self.variables = variables
        self.readers, self.edges, self.missed = {}, {}, set()
        self.wanted = ""

    def load(self, names):
        kind = type(os.environ)
        saved = kind.__getitem__, kind.__iter__, builtins.__import__, importlib.import_module
        getitem, iterate, plain_import, import_module = saved

        def tracked_getitem(mapping, key):
            self._note_read(os.fsdecode(key) if isinstance(key, (str, bytes)) else "")
            return getitem(mapping, key)

        def tracked_iter(mapping):
            self._note_read("*")
            return iterate(mapping)

        def tracked_import(name, globals=None, locals=None, fromlist=(), level=0):
            importer = (globals or {}).get("__name__", "")
            base = importlib.util.resolve_name("." * level + name, globals.get("__package__") or importer) if level else name
            module = self._tried(base, plain_import, name, globals, locals, fromlist, level)
            self._note_import(importer, base, fromlist or ())
            return module

        def tracked_import_module(name, package=None):
            base = importlib.util.resolve_name(name, package)
            module = self._tried(base, import_module, name, package)
            self._note_import(sys._getframe(1).f_globals.get("__name__", ""), base, ())
            return module

        kind.__getitem__, kind.__iter__ = tracked_getitem, tracked_iter
        builtins.__import__, importlib.import_module = tracked_import, tracked_import_module
        try:
            for self.wanted in names:
                self._tried(self.wanted, import_module, self.wanted)
        finally:
            kind.__getitem__, kind.__iter__, builtins.__import__, importlib.import_module = saved

    def _tried(self, name, call, *arguments):
        try:
            return call(*arguments)
        except ImportError:
            self.missed.add(name.partition(".")[0])
            raise

    def _note_import(self, importer, base, items):
        seen = self.edges.setdefault(importer, set())
        seen.add(base)
        if not items:  # `import a.b` binds a
            seen.update(itertools.accumulate(base.split("."), "{}.{}".format))
        seen.update(f"{base}.{item}" for item in items if f"{base}.{item}" in sys.modules)

    def _note_read(self, variable):
        """By all from the one that reads to the module whose import wants it."""
        if variable != "*" and variable not in self.variables:
            return
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_globals.get("__name__", "")
            if name != "__main__" and name.partition(".")[0] not in sys.stdlib_module_names:
                self.readers.setdefault(name, set()).add(variable)
                if frame.f_code.co_name == "<module>":
                    return
            frame = frame.f_back

    def stale(self):
        """Modules that may be other ones in a worker: those that looked at its variables, and all who imported them."""
        found = {name for name, seen in self.readers.items() if seen - {"*"} or not is_installed(name)}
        grown = True
        while grown:
            grown = False
            for importer, used in self.edges.items():
                if importer not in found and used & found:
                    found.add(importer)
                    grown = True
        return {name for name in found if name in sys.modules and name != "__main__"}


def is_installed(name):
    """An installed package that walks through all variables looks for some of its own there, not for the worker's."""
    path = getattr(sys.modules.get(name), "__file__", None) or ""
    return path.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep))


class Again:
    """Runs modules again that were imported before, each in its old place, when somebody imports them."""

    def __init__(self, names):
        self.modules = {}
        for name in names:
            module = self.modules[name] = sys.modules.pop(name)
            parent, _, child = name.rpartition(".")
            holder = sys.modules.get(parent) or self.modules.get(parent)
            if holder is not None and vars(holder).get(child) is module:
                del vars(holder)[child]  # or `from parent import child` would be content with it

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=hasattr(self.modules[name], "__path__"))

    def create_module(self, spec):
        module = self.modules.pop(spec.name)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = module.__spec__.loader_state
        module.__spec__._initializing = True  # other threads wait for its end
        try:
            module.__spec__.loader.exec_module(module)
        finally:
            module.__spec__._initializing = False


def is_repeatable(name):
    loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
    return isinstance(loader, (importlib.machinery.SourceFileLoader, importlib.machinery.SourcelessFileLoader))


class Folders:
    """The directories that modules are looked for in. A file that comes to them may bear the name of a module here."""

    def __init__(self, missed):
        self.names = missed | {name.partition(".")[0] for name in sys.modules}
        self.suffixes = set(importlib.machinery.all_suffixes())
        self.seen = {}
        for path in {os.path.abspath(path) for path in sys.path}:
            try:
                self.seen[path] = (os.stat(path).st_mtime_ns, set(os.listdir(path)))
            except OSError:
                continue  # a zip file, or nothing

    def matters(self, entry):
        name, _, rest = entry.partition(".")
        return entry.endswith(".pth") or name in self.names and (not rest or f".{rest}" in self.suffixes)

    def change(self):
        """What came since then and matters, or nothing."""
        for path, (modified, entries) in self.seen.items():
            try:
                now = os.stat(path).st_mtime_ns
                if now == modified:
                    continue
                found = set(os.listdir(path))
            except OSError:
                return f"{path} is gone"
            for entry in sorted(found - entries):
                if self.matters(entry):
                    return f"{os.path.join(path, entry)} is new"
            self.seen[path] = (now, found)
        return ""


def threads():
    return len(os.listdir("/proc/self/task"))


def open_files():
    """What is open beyond what this program was given."""
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue  # the one that lists them
        if int(entry) > FACTS and target not in HARMLESS_FILES:
            yield target


def problem(stale):
    """Why no worker may be forked from this, or nothing."""
    if threads() > 1:
        # A library that knows of forks ends its threads before each one, and begins them again when it needs them.
        trial = os.fork()
        if trial == 0:
            os._exit(0)
        os.waitpid(trial, 0)
    if threads() > 1:
        return f"what it imports started {threads() - 1} threads"
    with open("/proc/self/maps") as maps:
        if any("/libcuda.so" in line for line in maps):
            return "what it imports asked the GPU driver for something"
    for target in open_files():
        if target.startswith("/dev/nvidia"):
            return "what it imports uses a GPU"
        return f"what it imports keeps {target} open, which all workers would share"
    for name in sorted(stale):
        if not is_repeatable(name):
            return f"{name} looks at a variable that differs from worker to worker, and cannot be imported twice"
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if resident > RESIDENT_MAX:
        return f"it needs {resident >> 20} MiB; {RESIDENT_MAX >> 20} are allowed"
    return ""


def own_files():
    """What this process consists of, as (path, inode, modified, size)."""
    paths = {sys.executable, os.path.realpath(sys.executable), os.path.join(sys.prefix, "pyvenv.cfg")}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            paths.add(os.path.abspath(path))
    for folder in sys.path:
        if os.path.isdir(folder):
            paths.update(os.path.join(folder, entry) for entry in os.listdir(folder) if entry.endswith(".pth"))
    found = []
    for path in sorted(paths):
        try:
            status = os.stat(path)
        except OSError as error:
            if error.errno == errno.ENOENT:
                continue  # inside a zip file, or made up
            raise
        found.append((path, status.st_ino, status.st_mtime_ns, status.st_size))
        if status.st_mtime_ns >= STARTED_NS:
            raise RuntimeError(f"{path} changed while it was imported")
    return found


class Title:
    """What others see of this process in /proc: its command line, and the variables of its own."""

    def __init__(self):
        with open("/proc/self/stat") as stat:
            numbers = stat.read().rpartition(")")[2].split()
        self.begin, self.end, environment = int(numbers[45]), int(numbers[46]), int(numbers[47])
        with open("/proc/self/environ", "rb") as file:
            self.room = environment + (b"\0" + file.read()).index(f"\0{ROOM}=".encode())
        self.room_bytes = len(f"{ROOM}={os.environ.pop(ROOM)}")

    def show(self, words, variables):
        size = self.end - self.begin
        line = b" ".join(map(os.fsencode, words))[:size - 2]
        # The kernel takes the line for one string when it does not end in a zero.
        self._write(self.begin, line + b"\0" * (size - 1 - len(line)) + b"\1")
        text = b"".join(os.fsencode(f"{name}={value}\0") for name, value in variables.items())
        if len(text) > self.room_bytes:
            text = text[:text.rfind(b"\0", 0, self.room_bytes) + 1]
        self._write(self.room, text.ljust(self.room_bytes, b"\0"))

    @staticmethod
    def _write(address, data):
        try:
            with open("/proc/self/mem", "r+b", buffering=0) as memory:
                memory.seek(address)
                memory.write(data)
        except OSError:
            pass  # a kernel that forbids it: it is only for show


class Order:
    """One worker: what to run, and what is its own."""

    def __init__(self, descriptor):
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(descriptor, "rb") as file:
            parts = iter([os.fsdecode(part) for part in file.read().split(b"\0")[:-1]])
        self.arguments = [next(parts) for _ in range(int(next(parts)))]
        self.command = sys.orig_argv[:sys.orig_argv.index("-c")] + self.arguments
        names = list(parts)
        self.variables = dict(zip(names[::2], names[1::2]))


class Script:
    """A worker's program, compiled before it is wanted."""

    def __init__(self, path):
        self.path, self.seen, self.code = path, None, None

    def prepare(self):
        """Compiles it, if that was not done or the file is another one by now. No code if that says anything (an error, a
        warning), which is for the worker to say when it begins."""
        try:
            now, status = time.time_ns(), os.stat(self.path)
            seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if seen == self.seen:
                return
            self.seen = self.code = None
            with open(self.path, "rb") as file, warnings.catch_warnings():
                warnings.simplefilter("error")
                self.code = compile(file.read(), self.path, "exec", dont_inherit=True)
            if now - status.st_ctime_ns > CLOCK_TICK_SECONDS * 1e9:  # or another change could have the same times
                self.seen = seen
        except Exception:
            self.seen = self.code = None


class ForkServer:
    def __init__(self, script_directory, script, modules, variables):
        self.directory = os.getcwd()
        self.script = Script(os.path.join(self.directory, script))
        self.modules = modules
        self.variables = variables
        self.folders = None
        self.title = Title()
        self.title.show(["penstock-fork-server", self.directory], {})
        # For libraries that read it past Python: there is no GPU here. Python does not see it, as in `variables`.
        os.putenv(GPUS, "")
        if not getattr(sys.flags, "safe_path", False):
            sys.path[0] = script_directory

    def load(self):
        """Imports everything. Gives why this cannot be a fork server, or nothing."""
        imports = Imports(self.variables)
        try:
            imports.load(self.modules)
        except BaseException as error:
            traceback.print_exc()
            named = "" if imports.wanted == "runpod" else ", which PENSTOCK_PRELOAD names,"
            return f"{imports.wanted}{named} cannot be imported: {type(error).__name__}: {error}"
        stale = imports.stale()
        why = problem(stale)
        if why:
            return why
        self.folders = Folders(imports.missed)
        sys.meta_path.insert(0, Again(stale))
        return ""

    def serve(self):
        """Gives the script of a worker and its code, in that worker. Does not come back in this process itself."""
        control = socket.socket(fileno=CONTROL)
        while True:
            link, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            child = os.fork()
            if child == 0:
                leave_to_penstock()
                control.close()
                other_end.close()
                return self.become(link)
            link.close()
            pid = other_end.recv(32)
            os.waitpid(child, 0)
            socket.send_fds(control, [b"S" + pid], [other_end.fileno()])
            other_end.close()
            if not control.recv(16):
                os._exit(0)

    def rehearse(self, link):
        """Does for nothing what this spare is going to do, while nobody waits: a process that was just forked gets each
        page of its memory, and of the programs in it, only when it touches that. Nothing of it is left to be seen."""
        sample = os.memfd_create("rehearsal", os.MFD_CLOEXEC)
        os.write(sample, b"1\0rehearsal\0" + REHEARSED.encode() + b"\0" * 2)
        variables = Order(sample).variables
        steps = [touch_programs, self.folders.change, functools.partial(rehearse_environment, variables), own_chance,
                 functools.partial(self.title.show, ["penstock-fork-server", self.directory], {}), self.script.prepare]
        for step in steps:
            if select.select([link], [], [], 0)[0]:
                return
            step()
        gc.collect()

    def become(self, link):
        os.setsid()
        link.send(str(os.getpid()).encode())
        self.rehearse(link)
        message, descriptors, _, _ = socket.recv_fds(link, 16, 2)
        if not message:
            os._exit(0)
        order, log = descriptors
        changed = self.folders.change()
        link.send(f"!{changed}"[:1000].encode() if changed else b"R")
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        order = Order(order)
        if GPUS not in os.environ:
            os.unsetenv(GPUS)
        for name, value in order.variables.items():
            # One that an imported module has set is what it would be if that were imported now.
            os.environ.setdefault(name, value)
        self.title.show(order.command, order.variables)
        path = os.path.join(self.directory, order.arguments[0])
        script = self.script if path == self.script.path else Script(path)
        script.prepare()
        sys.argv = order.arguments
        sys.orig_argv = order.command
        if not link.recv(1):
            os._exit(0)  # Penstock gave up on this one, or died
        link.close()
        own_chance()
        return path, script.code


def touch_programs():
    """Reading a page has the kernel map what lies around it too, as far as it is in memory."""
    with open("/proc/self/maps") as maps:
        programs = [line.split()[0].split("-") for line in maps if " r-xp " in line and "/" in line]
    places = [at for begin, end in programs for at in range(int(begin, 16), int(end, 16), FAULT_AROUND)]
    latest = time.monotonic() + TOUCH_SECONDS
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for place in places:
            if time.monotonic() > latest:
                break
            os.pread(memory.fileno(), 1, place)


def rehearse_environment(variables):
    for name, value in variables.items():
        if name not in os.environ:
            os.environ.setdefault(name, value)
            del os.environ[name]


def leave_to_penstock():
    """A child of a child that has ended belongs to Penstock, which takes what is left in its tree."""
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        os._exit(1)


def own_chance():
    """What is drawn by lot at import must differ from worker to worker. `random` sees to itself."""
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)


def end_with(descriptor):
    """This process is killed when the other end of the socket is closed."""
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)


def outlive(descriptor):
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_ASYNC)


def report(why, files):
    with os.fdopen(FACTS, "wb") as facts:
        lines = [why.replace("\0", " "), *(f"{inode} {modified} {size} {path}" for path, inode, modified, size in files)]
        facts.write(b"".join(os.fsencode(line) + b"\0" for line in lines))
    outlive(CONTROL)
    os.write(CONTROL, b"R")


def prepare(arguments):
    script_directory, script, modules, variables = arguments
    end_with(CONTROL)
    server = ForkServer(script_directory, script, [name.strip() for name in modules.split(",") if name.strip()],
                        set(variables.split(",")))
    why = server.load() if sys.version_info >= (3, 10) else "it is older than Python 3.10"
    files = []
    try:
        files = own_files()
    except (RuntimeError, OSError) as error:
        why = why or str(error)
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()
    report(why, files)
    return server


def run(path, code):
    """The script as the interpreter itself would run it."""
    main = types.ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    vars(main).update(__file__=path, __builtins__=builtins, __cached__=None, __loader__=loader)
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.modules["__main__"] = main
    try:
        if code is None:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, vars(main))
    except SystemExit:
        raise
    except BaseException as error:
        # Without this frame; what ends the interpreter then has nothing to add.
        sys.excepthook(type(error), error.with_traceback(error.__traceback__.tb_next), error.__traceback__)
        sys.excepthook = lambda *_: None
        raise


if __name__ == "__main__":
    fork_server = prepare(sys.argv[1:])
    run(*fork_server.serve())
