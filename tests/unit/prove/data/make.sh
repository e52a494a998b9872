#!/bin/sh
# Makes the device code in this folder, which tests wrap into ELF files. Run it where the compilers are; with none of
# them the committed files stay.
#   NVCC=/usr/local/cuda/bin/nvcc sh make.sh cuda13    # CUDA 13.0.88, PyPI wheels (nvidia-cuda-nvcc and its like)
#   NVCC=nvcc sh make.sh cuda12                        # CUDA 12.4.131, Debian 13 (nvidia-cuda-toolkit, g++-13)
#   CLANG=clang++-21 sh make.sh hip                    # clang 21, Debian forky (hipcc)
# Then: cuobjdump -lelf -lptx NAME.fatbin says what is in each; CODES in device_code.py says the same.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cuda() {
  name=$1
  shift
  echo '__global__ void k() {}' > "$work/k.cu"
  "$NVCC" -shared -Xcompiler -fPIC -cudart none -o "$work/k.so" "$@" "$work/k.cu"
  objcopy -O binary --only-section=.nv_fatbin "$work/k.so" "$name.fatbin"
}

hip() {
  name=$1
  shift
  echo '__attribute__((global)) void k() {}' > "$work/k.hip"
  "$CLANG" -x hip -nogpulib -nogpuinc -O2 --cuda-device-only --gpu-bundle-output -o "$name.hipfb" "$@" "$work/k.hip"
}

case $1 in
  cuda13)
    cuda cuda13-sm_86 -gencode arch=compute_86,code=sm_86
    cuda cuda13-sm_86-zstd -Xfatbin -compress-all -gencode arch=compute_86,code=sm_86
    cuda cuda13-sm_120 -Xfatbin -compress-all -gencode arch=compute_120,code=sm_120
    cuda cuda13-sm_120a -gencode arch=compute_120a,code=sm_120a
    cuda cuda13-sm_120f -Xfatbin -compress-all -gencode arch=compute_120f,code=sm_120f
    cuda cuda13-sm_86-sm_120a -Xfatbin -compress-all \
      -gencode arch=compute_86,code=sm_86 -gencode arch=compute_120a,code=sm_120a
    cuda cuda13-sm_86-sm_120a-sm_121a -Xfatbin -compress-all -gencode arch=compute_86,code=sm_86 \
      -gencode arch=compute_120a,code=sm_120a -gencode arch=compute_121a,code=sm_121a
    cuda cuda13-sm_86-ptx_90 -Xfatbin -compress-all \
      -gencode arch=compute_86,code=sm_86 -gencode arch=compute_90,code=compute_90
    cuda cuda13-ptx_90 -gencode arch=compute_90,code=compute_90
    ;;
  cuda12)
    cuda cuda12-sm_86 -ccbin g++-13 -gencode arch=compute_86,code=sm_86
    cuda cuda12-sm_86-lz4 -ccbin g++-13 -Xfatbin -compress-all -gencode arch=compute_86,code=sm_86
    cuda cuda12-sm_86-ptx_86 -ccbin g++-13 \
      -gencode arch=compute_86,code=sm_86 -gencode arch=compute_86,code=compute_86
    cuda cuda12-sm_90a -ccbin g++-13 -gencode arch=compute_90a,code=sm_90a
    ;;
  hip)
    hip gfx1100 --offload-arch=gfx1100
    hip gfx1100-zstd --offload-arch=gfx1100 --offload-compress
    hip gfx1100-gfx942-zstd --offload-arch=gfx1100 --offload-arch=gfx942 --offload-compress
    hip gfx90a-xnack-off-zstd --offload-arch=gfx90a:xnack- --offload-compress
    ;;
esac
