"""Programs that fail, hang, chatter and are interrupted."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.system import daemon, process, signals
from bakehouse.system.sink import KEPT_OUTPUT
from tests.unit.engine.programs import python, sh, wait_until


class TestRun:
    def test_captures_both_outputs_and_the_status(self) -> None:
        done = process.run(sh("echo out; echo err >&2; exit 3"), check=False)
        assert (done.stdout, done.stderr, done.code) == ("out\n", "err\n", 3)
        assert done.args[0] == "sh"

    def test_hands_on_input_environment_and_folder(self, tmp_path: Path) -> None:
        done = process.run(sh('cat; echo "$WORD"; pwd'), input=b"in ", env={"WORD": "w"}, cwd=tmp_path)
        assert done.stdout == f"in w\n{tmp_path}\n"

    def test_has_no_input_unless_given(self) -> None:
        assert process.run(["cat"], timeout=5).stdout == ""

    def test_a_failure_shows_the_last_lines_and_the_command(self) -> None:
        with pytest.raises(process.ProgramError) as caught:
            process.run(sh("for i in $(seq 40); do echo line $i >&2; done; exit 7"))
        assert caught.value.code == 7
        assert caught.value.stderr.splitlines() == [f"line {i}" for i in range(26, 41)]
        assert "sh ended with status 7" in str(caught.value)
        assert "The command was: sh -c" in str(caught.value)

    def test_a_failure_with_nothing_on_stderr_shows_stdout(self) -> None:
        with pytest.raises(process.ProgramError, match="the reason"):
            process.run(sh("echo the reason; exit 1"))

    def test_names_the_signal_that_ended_it(self) -> None:
        with pytest.raises(process.ProgramError, match="was ended by signal 9"):
            process.run(sh("kill -9 $$"))

    def test_a_missing_program_is_named_with_the_way_to_get_it(self) -> None:
        with pytest.raises(process.MissingProgramError) as caught:
            process.run(["no-such-program-anywhere"])
        assert "no-such-program-anywhere is not installed" in str(caught.value)
        assert "apt-get install no-such-program-anywhere" in str(caught.value)

    def test_a_missing_folder_is_an_infrastructure_error(self, tmp_path: Path) -> None:
        with pytest.raises(InfrastructureError, match="cannot start sh"):
            process.run(sh("true"), cwd=tmp_path / "gone")

    def test_a_program_that_hangs_is_stopped(self, tmp_path: Path) -> None:
        pid = tmp_path / "pid"
        with pytest.raises(process.ProgramTimeoutError, match=r"did not end within 0.2 s"):
            process.run(sh(f"echo $$ > {pid}; sleep 60"), timeout=0.2)
        # On a busy machine it may not have got as far as that.
        assert not (pid.exists() and pid.read_text().strip() and daemon.alive(int(pid.read_text())))


class TestStream:
    def test_reads_the_file_that_it_is_fed(self, tmp_path: Path) -> None:
        (tmp_path / "given").write_bytes(b"x" * 3_000_000)
        assert process.stream(["wc", "-c"], feed=tmp_path / "given", timeout=10).stdout.strip() == "3000000"

    def test_an_input_that_is_kept_open_ends_with_us_and_not_before(self) -> None:
        done = process.stream(
            python("import select, sys; print(select.select([sys.stdin], [], [], 0.3)[0])"), keep_input=True
        )
        assert done.stdout == "[]\n"

    def test_what_is_wanted_no_more_is_ended(self) -> None:
        lines: list[str] = []
        done = process.stream(sh("echo one; exec sleep 60"), on_line=lines.append, wanted=lambda: not lines, timeout=20)
        assert lines == ["one"]
        assert done.code < 0

    def test_feeds_lines_of_both_outputs(self) -> None:
        lines: list[str] = []
        done = process.stream(sh("printf 'a\\r\\nb'; sleep 0.05; printf 'c\\n' >&2"), on_line=lines.append)
        assert sorted(lines) == ["a", "b", "c"]
        assert (done.stdout, done.stderr) == ("a\r\nb", "c\n")

    def test_feeds_raw_stderr_as_it_arrives(self, tmp_path: Path) -> None:
        chunks: list[bytes] = []
        lines: list[str] = []

        def hear(chunk: bytes) -> None:
            chunks.append(chunk)
            (tmp_path / "heard").touch()

        wait = f"while [ ! -e {tmp_path}/heard ]; do sleep 0.01; done"
        process.stream(
            sh(f"printf '{{\\n' >&2; {wait}; printf '}}' >&2; echo out"), on_line=lines.append, on_stderr=hear
        )
        assert chunks == [b"{\n", b"}"]
        assert lines == ["out"]

    def test_writes_everything_to_the_log(self, tmp_path: Path) -> None:
        process.stream(sh("echo a; echo b >&2"), log=tmp_path / "log")
        assert sorted((tmp_path / "log").read_text().splitlines()) == ["a", "b"]

    def test_keeps_only_the_end_of_a_large_output(self) -> None:
        done = process.stream(python(f"print('x' * {KEPT_OUTPUT} + 'end')"))
        assert len(done.stdout) == KEPT_OUTPUT
        assert done.stdout.endswith("end\n")

    def test_returns_a_failure_and_raises_it_only_when_asked(self) -> None:
        assert process.stream(sh("exit 4")).code == 4
        with pytest.raises(process.ProgramError, match="status 4"):
            process.stream(sh("exit 4"), check=True)

    def test_does_not_wait_for_a_grandchild_that_holds_the_output(self) -> None:
        done = process.stream(sh("sleep 600 & echo $!"))
        assert daemon.alive(int(done.stdout)), "it ended before that one did"
        os.kill(int(done.stdout), signal.SIGKILL)

    def test_a_program_that_hangs_is_stopped(self) -> None:
        with pytest.raises(process.ProgramTimeoutError):
            process.stream(sh("sleep 60"), timeout=0.2)

    def test_a_program_that_closes_its_outputs_and_hangs_is_stopped(self) -> None:
        with pytest.raises(process.ProgramTimeoutError):
            process.stream(sh("exec >&- 2>&-; sleep 60"), timeout=0.3)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_ends_the_whole_group_before_it_goes_on(self, number: signal.Signals) -> None:
        pids: list[int] = []

        def on_line(line: str) -> None:
            pids.append(int(line))
            if len(pids) == 2:
                os.kill(os.getpid(), number)

        with pytest.raises(KeyboardInterrupt):
            process.stream(sh("echo $$; sleep 60 & echo $!; wait"), on_line=on_line)
        assert wait_until(lambda: not any(daemon.alive(pid) for pid in pids))
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_a_deaf_program_is_killed_after_the_grace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "INTERRUPT_GRACE", 0.1)
        monkeypatch.setattr(process, "TERMINATE_GRACE", 0.1)
        pids: list[int] = []

        def on_line(line: str) -> None:
            pids.append(int(line))
            raise KeyboardInterrupt

        deaf = "import os, signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; "
        with pytest.raises(KeyboardInterrupt):
            process.stream(python(deaf + "print(os.getpid(), flush=True); time.sleep(60)"), on_line=on_line)
        assert not daemon.alive(pids[0])

    def test_works_outside_the_main_thread(self) -> None:
        results: list[process.Completed] = []
        thread = threading.Thread(target=lambda: results.append(process.stream(sh("echo hello"))))
        thread.start()
        thread.join()
        assert results[0].stdout == "hello\n"


class TestFind:
    def test_looks_on_the_path_given(self, tmp_path: Path) -> None:
        tool = tmp_path / "some-tool"
        tool.write_text("#!/bin/sh\n")
        assert process.find("some-tool", path=str(tmp_path)) is None
        tool.chmod(0o755)
        assert process.find("some-tool", path=str(tmp_path)) == tool

    def test_looks_in_the_system_folders_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tool = tmp_path / "some-daemon"
        tool.write_text("#!/bin/sh\n")
        tool.chmod(0o755)
        monkeypatch.setattr(process, "SYSTEM_FOLDERS", str(tmp_path))
        assert process.find("some-daemon", path="/nowhere") == tool


class TestAttend:
    @pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -TERM $$", 143), ("true", 0)])
    def test_gives_the_status_as_a_shell_would(self, script: str, code: int) -> None:
        assert process.attend(sh(script)) == code

    def test_names_a_program_that_is_missing(self) -> None:
        with pytest.raises(process.MissingProgramError, match="no-such-program"):
            process.attend(["no-such-program"])

    @pytest.mark.parametrize(
        ("script", "code"),
        [
            ("kill -TERM $PPID; exec sleep 60", 143),
            ("trap 'exit 7' TERM; kill -TERM $PPID; while :; do sleep 0.01; done", 7),
            ("trap '' TERM; kill -TERM $PPID; sleep 0.1; exit 3", 3),
        ],
    )
    def test_hands_our_sigterm_on_and_waits(self, script: str, code: int) -> None:
        """The program itself sends it to us."""
        with signals.interrupts():
            before = signal.getsignal(signal.SIGTERM)
            assert process.attend(sh(script)) == code
            assert signal.getsignal(signal.SIGTERM) is before
