"""Child processes of the benchmark get the share of a core that a function with memoryMb has."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import cold_start, cpu_quota, cpu_share
from bench.errors import MachineError
from counter_service.costs.units import CPU_MEMORY_MB

BUSY = """
import json, time
started, cpu = time.perf_counter(), time.process_time()
while time.process_time() - cpu < 0.2: pass
print(json.dumps(time.perf_counter() - started))
"""


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").touch()
    return tmp_path


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.subtree_control").write_text("cpuset cpu io\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def quarter_of_a_core() -> Iterator[Path]:
    try:
        with cpu_quota.group(0.25) as members:
            yield members
    except MachineError as problem:
        pytest.skip(str(problem))


def test_quota_of_cgroup_version_1_is_two_files(version_1: Path) -> None:
    parent = cpu_quota.controller(version_1)
    assert parent == version_1 / "cpu"
    expected = {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "5789"}
    assert cpu_quota.limits(parent, 512 / 1769) == expected


def test_quota_of_cgroup_version_2_is_one_file(version_2: Path) -> None:
    parent = cpu_quota.controller(version_2)
    assert parent == version_2
    assert cpu_quota.limits(parent, 512 / 1769) == {"cpu.max": "5789 20000"}


def test_machine_without_the_cpu_controller_is_told_how_to_enable_it(version_2: Path) -> None:
    (version_2 / "cgroup.subtree_control").write_text("cpuset memory\n", encoding="utf-8")
    with pytest.raises(MachineError, match=r"run echo \+cpu > .*/cgroup\.subtree_control as root"):
        cpu_quota.controller(version_2)


def test_cgroup_that_the_kernel_refuses_is_an_error_with_advice(
    version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cpu_quota, "CGROUPS", version_1)
    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(MachineError, match=r"Permission denied\. Run this question as root\."):
        cpu_quota.group(0.5).__enter__()


def test_process_with_a_quarter_of_a_core_takes_four_times_its_cpu(
    quarter_of_a_core: Path,
) -> None:
    command = cpu_quota.within(quarter_of_a_core, [sys.executable, "-I", "-c", BUSY])
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert json.loads(done.stdout) >= 3 * 0.2


def test_cgroup_is_removed_when_its_work_fails(quarter_of_a_core: Path) -> None:
    others = set(cpu_quota.controller(cpu_quota.CGROUPS).iterdir())
    with pytest.raises(RuntimeError, match="the work"), cpu_quota.group(0.5):
        raise RuntimeError("the work")
    assert set(cpu_quota.controller(cpu_quota.CGROUPS).iterdir()) == others


def test_cold_start_of_each_archive_serves_a_click() -> None:
    with cold_start.archives() as found:
        samples = {peer: cold_start.start(archive) for peer, archive in found.items()}
    for peer, sample in samples.items():
        assert sample["first cpu"] > 0, f"the first click of {peer} took no CPU"


def test_model_divides_the_cpu_with_a_whole_core_by_the_share() -> None:
    half = CPU_MEMORY_MB // 2 + CPU_MEMORY_MB % 2
    samples = {
        half: [{"cpu": 1.2, "wall": 2.2}, {"cpu": 9.0, "wall": 18.0}, {"cpu": 1.2, "wall": 2.2}],
        CPU_MEMORY_MB: [
            {"cpu": 1.0, "wall": 1.0},
            {"cpu": 9.0, "wall": 9.0},
            {"cpu": 1.0, "wall": 1.0},
        ],
    }
    rows = {row["memory_mb"]: row for row in cpu_share.compared("work", samples)}
    assert rows[half]["model"] == pytest.approx(2.0, rel=0.01)
    assert rows[half]["wall_to_model"] == pytest.approx(1.1, rel=0.01)
    assert rows[CPU_MEMORY_MB]["wall_to_model"] == 1


@pytest.mark.parametrize(("wall", "met"), [(1.9, True), (2.1, False)])
def test_cpu_share_bar_is_met_if_the_default_memory_posts_5_000_a_second(
    wall: float, met: bool
) -> None:
    figures = {"memory_mb": 512, "rounds": 3, "cpu": 0.3, "model": 1.0, "wall_to_model": wall}
    rows = [{"work": work, "wall": wall} | figures for work in cpu_share.ROUNDS]
    assert [bar.met for bar in cpu_share.report(rows).bars] == [met]
