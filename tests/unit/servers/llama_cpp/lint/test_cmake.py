"""CMake's language, and the options that a tree's files declare."""

from __future__ import annotations

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.lint.cmake_language import commands
from bakehouse.lint.options import CMakeOption, Deprecated
from bakehouse.servers.llama_cpp.lint.cmake_options import read_cmake


def read(text: str) -> list[tuple[str, tuple[str, ...], int]]:
    return [(one.name, one.arguments, one.line) for one in commands(textwrap.dedent(text))]


def test_arguments_are_words_quotes_and_brackets() -> None:
    assert read('SET(A one "two words" [=[three ]] ]=] ${B}/x)') == [
        ("set", ("A", "one", "two words", "three ]] ", "${B}/x"), 1)
    ]


def test_comments_and_line_breaks_are_no_arguments() -> None:
    text = """\
    # option(NO "none" ON)
    #[[ option(NOR "this"
               ON) ]]
    option(YES  # said here
           "a (parenthesis), a # and a \\" in it"
           OFF)
    """
    assert read(text) == [("option", ("YES", 'a (parenthesis), a # and a \\" in it', "OFF"), 4)]


def test_conditions_keep_their_parentheses() -> None:
    assert read("if (NOT (A AND B) OR C)\nendif()") == [
        ("if", ("NOT", "(", "A", "AND", "B", ")", "OR", "C"), 1),
        ("endif", (), 2),
    ]


@given(st.text(alphabet='ab(){}[]"#=\\ \n$', max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert all(one.line <= text.count("\n") + 1 for one in commands(text))


def options(text: str) -> dict[str, CMakeOption]:
    return read_cmake([("CMakeLists.txt", textwrap.dedent(text))]).options


def test_every_way_to_declare_an_option() -> None:
    found = options(
        """\
        option(GGML_CUDA "ggml: use CUDA" OFF)
        option(GGML_RPC "no default is OFF")
        option(GGML_NATIVE "depends" ${GGML_NATIVE_DEFAULT})
        set(GGML_MODE "size" CACHE STRING "how")
        set_property(CACHE GGML_MODE PROPERTY STRINGS "none;size" speed)
        set(GGML_FOUND 1 CACHE INTERNAL "nobody sets this")
        cmake_dependent_option(GGML_FAST "fast" ON "GGML_CUDA" OFF)
        set(GGML_PLAIN 1)
        """
    )
    assert found == {
        "GGML_CUDA": CMakeOption(kind="BOOL", default="OFF", file="CMakeLists.txt"),
        "GGML_FAST": CMakeOption(kind="BOOL", default="ON", file="CMakeLists.txt"),
        "GGML_MODE": CMakeOption(
            kind="STRING", default="size", choices=("none", "size", "speed"), file="CMakeLists.txt"
        ),
        "GGML_NATIVE": CMakeOption(kind="BOOL", default=None, file="CMakeLists.txt"),
        "GGML_RPC": CMakeOption(kind="BOOL", default="OFF", file="CMakeLists.txt"),
    }


def test_the_first_declaration_counts() -> None:
    files = [("CMakeLists.txt", "option(A_B x ON)"), ("ggml/CMakeLists.txt", "option(A_B x OFF)")]
    assert read_cmake(files).options["A_B"].default == "ON"


def test_variables_that_can_be_set_from_outside() -> None:
    text = """\
    if (NOT DEFINED LLAMA_BUILD_NUMBER)
      set(LLAMA_BUILD_NUMBER 0)
    endif()
    if (GPU_TARGETS AND NOT CMAKE_HIP_ARCHITECTURES)
      set(OWN_RESULT ${GPU_TARGETS})
    endif()
    message("${OWN_RESULT} $ENV{ROCM_PATH}")
    find_package(CUDAToolkit)
    find_library(ZDNN_LIB zdnn)
    """
    found = read_cmake([("CMakeLists.txt", text)])
    assert found.variables == ("GPU_TARGETS", "LLAMA_BUILD_NUMBER", "ZDNN_LIB")
    assert found.packages == ("CUDAToolkit",)
    assert found.environment == ("ROCM_PATH",)


def test_deprecated_names() -> None:
    text = "llama_option_depr(FATAL_ERROR LLAMA_CUBLAS GGML_CUDA)\nllama_option_depr(WARNING LLAMA_CURL)"
    assert read_cmake([("CMakeLists.txt", text)]).deprecated == {
        "LLAMA_CUBLAS": Deprecated(fatal=True, instead="GGML_CUDA"),
        "LLAMA_CURL": Deprecated(),
    }
