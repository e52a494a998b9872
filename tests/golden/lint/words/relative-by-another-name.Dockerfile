FROM rocm/dev-ubuntu-24.04:7.0-complete
WORKDIR /opt/llama.cpp
RUN git clone -b main https://github.com/someone/fast-formats.git .
RUN cmake -B build -DGGML_NATIVE=OFF -DGGML_HIP=ON -DGPU_TARGETS=gfx1151 -DGGML_HIP_FAST_FORMATS=ON
# finds
# 1 warning rocm/dev-ubuntu-24.04:7.0-complete runs as root | USER 65532:65532, in numbers
# 3 warning main is a branch, which is no pin | git fetch --depth 1 ADDRESS COMMIT, or a build context with a commit
# 3 note https://github.com/someone/fast-formats.git is checked against llama.cpp 0c1e57098
# 4 note -DGGML_HIP_FAST_FORMATS=ON is not an option of this revision | leave it out
