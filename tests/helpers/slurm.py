"""A cluster of one node on this machine: Debian's SLURM, started for a test and ended after it."""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# srun in a job sees no variable that would name another file.
CONFIGURATION = Path("/etc/slurm/slurm.conf")
MARK = "# Written by tests/helpers/slurm.py\n"
SECONDS = 30
PR_SET_PDEATHSIG = 1
# More cores than a small machine has: the profile asks for up to four.
SETTINGS = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def reason_against_slurm() -> str | None:
    """Say why SLURM cannot be started here, or return None."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if not shutil.which(program):
            return f"no {program}; on Debian: apt-get install slurm-wlm munge"
    if CONFIGURATION.exists() and not CONFIGURATION.read_text().startswith(MARK):
        return f"{CONFIGURATION} belongs to a SLURM that is installed here"
    return None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} after {SECONDS} seconds")
        time.sleep(0.1)


def answer(*command: str) -> str:
    """Return what a command of SLURM prints, or its error."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).strip()


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Run a cluster whose files lie in `folder`; raises TimeoutError if it does not come up."""
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    # Others may reach munge's socket, but not change anything beside it.
    for path in (folder, *folder.parents[:3]):
        path.chmod(path.stat().st_mode & ~0o022 | 0o011)
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    settings = SETTINGS.format(
        host=host, folder=folder, controller_port=_free_port(), node_port=_free_port()
    )
    munged = ["munged", "--foreground", f"--key-file={key}"]
    munged += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
    daemons: list[subprocess.Popen] = []

    def start(*command: str) -> None:
        with (folder / f"{command[0]}.out").open("w") as output:
            daemons.append(
                subprocess.Popen(command, stdout=output, stderr=output, preexec_fn=_end_with_parent)
            )

    try:
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(MARK + settings)
        start(*munged, f"--socket={folder}/munge.socket")
        _wait_for((folder / "munge.socket").exists, "no socket of munged")
        start("slurmctld", "-D", "-i")
        start("slurmd", "-D", "-N", host)
        _wait_for(lambda: answer("sinfo", "-h", "-o", "%t") == "idle", "no idle node")
        yield
    finally:
        if len(daemons) == 3:
            answer("scancel", "--full", "--user=root")
            with contextlib.suppress(TimeoutError):
                _wait_for(lambda: not answer("squeue", "-h"), "jobs are left")
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
        CONFIGURATION.unlink(missing_ok=True)
