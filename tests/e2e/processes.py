"""Finds the processes of a running product. Uses psutil, because macOS has no /proc."""

from pathlib import Path

import psutil

WORKER = "ministack-lambda-websocket-dev"  # in the name of the folder that a worker runs in


def children_of(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


def folder_of(pid: int) -> Path:
    return Path(psutil.Process(pid).cwd()).resolve()


def workers_of(pid: int) -> dict[int, Path]:
    """The processes that run the function, with the folders of its code."""
    found = {}
    for process in psutil.Process(pid).children(recursive=True):
        try:
            folder = Path(process.cwd())
        except psutil.Error:
            continue  # ended meanwhile
        if WORKER in str(folder):
            found[process.pid] = folder
    return found


def processes_below(folder: Path) -> list[str]:
    """Command lines of the processes whose environment or directory names the folder."""
    # macOS has two names for the folder of temporary files. This part is the same in both.
    name = str(folder).removeprefix("/private")
    return [
        " ".join(process.cmdline())
        for process in psutil.process_iter()
        if any(name in each for each in _places(process))
    ]


def _places(process: psutil.Process) -> list[str]:
    try:
        return [process.cwd(), *process.environ().values()]
    except (psutil.Error, OSError):
        return []  # ended meanwhile, or of another user


def listening_ports(process: psutil.Process) -> set[int]:
    """The ports that the process and its descendants listen on."""
    ports = set()
    for each in [process, *process.children(recursive=True)]:
        try:
            connections = each.net_connections("tcp")
        except psutil.Error:
            continue  # ended meanwhile
        ports |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return ports
