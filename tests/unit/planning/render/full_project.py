"""A project in which every key of the files stands, each with a harmless value: what hostile values are put into."""

from __future__ import annotations

from typing import Any

HARMLESS = "harmless"
"""Where a format takes any line, this stands."""

_PLACES = {
    "source": [
        {"git": "https://example.org/tree.git"},
        {"pypi": {"requirement": "tree==1.0", "member": "vendor/tree"}},
        {"url": "https://example.org/tree.tar.gz"},
        {"path": "../tree"},
    ],
    "model": [
        {"huggingface": {"repo": "owner/name", "file": "x.gguf", "revision": "main"}},
        {"pypi": {"requirement": "model==1.0", "member": "model/x.gguf"}},
        {"url": "https://example.org/x.gguf"},
        {"path": "../x.gguf"},
    ],
}
LINK = "https://example.org/"

MATRIX: dict[str, Any] = {
    "version": 1,
    "catalogue": False,
    "bases": {
        "debian": {
            "os": "debian13",
            "platforms": ["linux/amd64", "linux/arm64"],
            "gcc": "14",
            "cmake": "3.31.6",
            "places": [
                {"registry": "docker.io/library/debian:trixie-slim"},
                {
                    "debootstrap": {
                        "suite": "trixie",
                        "include": ["ca-certificates", "curl"],
                        "mirror": "http://deb.debian.org/debian",
                        "frozen": True,
                    }
                },
            ],
        },
        "vendor": {
            "os": "debian13",
            "platforms": ["linux/amd64", "linux/arm64"],
            "gcc": "14",
            "cmake": "3.31.6",
            "places": [
                {
                    "dockerfile": {
                        "template": "bases/cuda-wheels.Dockerfile.j2",
                        "on": "debian",
                        "packages": ["nvidia-cuda-toolkit"],
                        "wheels": ["nvidia-cuda-nvcc==13.0.88"],
                        "cross": True,
                    }
                }
            ],
        },
    },
    "sources": {
        "tree": {
            "revision": "0123456789" * 4,
            "build_number": 7,
            "committed": "2026-10-01T00:00:00Z",
            "places": _PLACES["source"],
        }
    },
    "models": {
        "small": {
            "file": "x.gguf",
            "sha256": "a" * 64,
            "size": 10,
            "question": {
                "message": HARMLESS,
                "template": "{message}",
                "expect": [HARMLESS],
                "matches": HARMLESS,
                "max_tokens": 9,
            },
            "places": _PLACES["model"],
        },
        "other": {
            "file": "y.gguf",
            "sha256": "b" * 64,
            "size": 10,
            "question": {"prompt": HARMLESS, "expect": [HARMLESS]},
            "places": [{"path": "y.gguf"}],
        },
    },
    "toolkits": {
        "cuda13.0": {
            "accelerator": "cuda",
            "version": "13.0.2",
            "build_base": "vendor",
            "runtime_base": "debian",
            "driver_floor": "580.95.05",
            "driver_floor_minor": "580",
            "gcc": "14",
            "newest_gcc": "15",
            "library_archs": ["sm_86", "sm_89"],
            "cmake": {"OPTION_1": HARMLESS},
            "env": {"VARIABLE_2": HARMLESS},
            "source": LINK,
        },
        "cuda12.0": {
            "accelerator": "cuda",
            "version": "12.0",
            "build_base": "vendor",
            "known_bad": {"reason": HARMLESS, "fixed_in": "12.1", "archs": ["sm_86"], "link": LINK},
        },
    },
    "archs": {
        "sm_86": {
            "accelerator": "cuda",
            "first_toolkit": "11.1",
            "last_toolkit": "99",
            "runs": ["sm_89"],
            "platforms": ["linux/amd64", "linux/arm64"],
            "first_cmake": "3.18",
            "source": LINK,
        },
        "sm_89": {"accelerator": "cuda", "code": "sm_89a"},
    },
    "arch_groups": {"both": {"summary": HARMLESS, "archs": ["sm_86", "sm_89"], "ptx": "sm_86"}},
    "gpus": {
        "card": {
            "accelerator": "cuda",
            "arch": "sm_86",
            "memory": "24 GiB",
            "platform": "linux/amd64",
            "aliases": ["other-card"],
            "also": ["vulkan"],
            "pci": ["10de:2b85"],
            "bandwidth": "1000 GB/s",
            "note": HARMLESS,
        }
    },
    "flag_sets": {
        "default": {"summary": HARMLESS, "accelerators": ["cpu", "cuda"]},
        "big": {
            "summary": HARMLESS,
            "recipes": ["server"],
            "extends": "default",
            "accelerators": ["cpu", "cuda"],
            "cmake": {"OPTION_3": HARMLESS},
            "plugins": ["ggml-blas"],
            "build_packages": ["libopenblas-dev"],
            "runtime_packages": ["libopenblas0"],
            "extra_size": "10 MiB",
        },
    },
    "axes": {
        "accelerator": ["cpu", "cuda"],
        "toolkit": ["cuda13.0"],
        "arch": ["both"],
        "flag_set": ["big"],
        "platform": ["linux/amd64", "linux/arm64"],
    },
    "exclude": [{"when": {"flag_set": "default", "arch": "sm_86"}, "reason": HARMLESS, "link": LINK}],
}

RECIPE: dict[str, Any] = {
    "summary": HARMLESS,
    "template": "llama-server.Dockerfile.j2",
    "accelerators": ["cpu", "cuda"],
    "platforms": ["linux/amd64", "linux/arm64"],
    "server": "llama.cpp",
    "build": {
        "kind": "cmake",
        "source": "tree",
        "base": "debian",
        "packages": ["g++", "libssl-dev"],
        "cmake": {"OPTION_4": HARMLESS},
        "host_cmake": {"OPTION_5": HARMLESS},
        "plugin_cmake": {"OPTION_6": HARMLESS},
        "host_targets": ["llama-server"],
        "cpu_variants": [
            {"platform": "linux/amd64", "variants": ["haswell"]},
            {"platform": "linux/arm64", "variants": ["armv8.2_2"]},
        ],
        "backends": {
            "cuda": {
                "cmake": {"OPTION_7": HARMLESS},
                "archs_option": "CMAKE_CUDA_ARCHITECTURES",
                "plugins": ["ggml-cuda"],
                "build_packages": ["libfoo-dev"],
                "runtime_packages": ["libfoo1"],
                "driver_demands": [
                    {
                        "option": "OPTION_7",
                        "values": [HARMLESS],
                        "first_toolkit": "12.8",
                        "driver": "580",
                        "reason": HARMLESS,
                        "link": LINK,
                    }
                ],
                "runtime_files": {"/opt/lib/x*": "folder"},
                "optional_runtime_files": {"/opt/lib/y*": "folder"},
                "env": {"VARIABLE_8": HARMLESS},
                "cross": {
                    "cmake": {"OPTION_9": HARMLESS},
                    "env": {"VARIABLE_10": HARMLESS},
                    "folders": ["/usr/local/cuda/targets/sbsa-linux"],
                },
            }
        },
        "web_ui": True,
    },
    "runtime": {
        "packages": ["libgomp1"],
        "user": "65532:65532",
        "port": 8080,
        "entrypoint": [HARMLESS],
        "command": [HARMLESS],
        "env": {"VARIABLE_11": HARMLESS},
        "size_budget": "100 MiB",
        "size_budgets": {"cuda": "1 GiB"},
    },
    "probes": {
        "health": {"path": "/health", "start_period": 60.0, "stop_grace": 10.0},
        "throughput": {
            "model": "small",
            "prompt_tokens": 512,
            "output_tokens": 128,
            "starts": 1,
            "repetitions": 1,
            "workloads": [
                {"kind": "chat", "users": 1, "prompt_words": 9, "output_tokens": 9, "spread": 0.5, "requests": 8},
                {"kind": "sweep", "users": [1, 2], "prompt_words": 9, "output_tokens": 9, "requests_each": 1},
                {
                    "kind": "arrivals", "rate": 1.0, "requests": 1, "slots": 1, "prompt_words": 9, "output_tokens": 9,
                    "seed": 1,
                },
                {"kind": "long-context", "prompt_words": 9, "output_tokens": 9, "requests": 1},
            ],
            "workload_repetitions": 1,
            "limits": {"ttft": 1.0, "tpot": 0.1, "latency": 1.0},
        },
        "work": {
            "tasks": [
                {
                    "name": "see",
                    "unit": "images",
                    "http": {"method": "POST", "path": "/see", "headers": {"X-A": HARMLESS}, "form": {"a": "{file}"}},
                    "inputs": {"files": ["a.jpg"]},
                    "count": "length(data)",
                    "expect": {"status": 200, "headers": {"a": HARMLESS}, "text": HARMLESS},
                    "batches": [1, 2],
                    "clients": [1],
                    "arrivals": [1.0],
                },
            ],
            "starts": 1,
            "repetitions": 1,
            "limits": {"latency": 1.0},
        },
        "memory_limit": "4GiB",
        "args": [HARMLESS],
    },
}  # fmt: skip

_PREBUILT: dict[str, Any] = {
    "platforms": ["linux/amd64"],
    "toolkits": ["cuda13.0"],
    "archs": ["sm_86"],
    "codes": {"sm_86": "sm_86a"},
    "ptx": "sm_86",
    "device_code": ["/opt/lib/*.so"],
    "runtime_packages": ["libfoo1"],
    "env": {"VARIABLE_12": HARMLESS},
}
OTHER_KINDS: list[dict[str, Any]] = [
    RECIPE
    | {
        "build": {
            "kind": "wheels",
            "base": "debian",
            "python": "3.13",
            "package": "server",
            "shares": ["_service"],
            "backends": {
                "cuda": _PREBUILT | {"loads": ["nvidia/lib/*.so"], "leave_out_of_packages": ["/usr/bin/tool"]}
            },
        }
    },
    RECIPE | {"accelerators": ["cpu"], "build": {"kind": "wheels", "base": "debian", "version": "1.0"}},
    RECIPE
    | {"accelerators": ["cuda"], "build": {"kind": "image", "backends": {"cuda": _PREBUILT | {"base": "vendor"}}}},
]
"""Recipes that are made in another way than RECIPE."""

LOCK: dict[str, Any] = {
    "version": 1,
    "bases": {"debian": {"reference": "docker.io/library/debian:trixie-slim", "digest": f"sha256:{'0' * 64}"}},
    "files": {"pypi:tree==1.0": {"file": "tree-1.0.tar.gz", "sha256": "b" * 64}},
}
