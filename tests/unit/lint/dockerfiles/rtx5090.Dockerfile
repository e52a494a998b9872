# The options that files for the RTX 5090 pass around, in a file of our own: docs/lint.md shows what the lint says.
FROM nvidia/cuda:12.9.1-devel-ubuntu24.04 AS builder

ENV CUDA_DOCKER_ARCH=sm_120
ENV TORCH_CUDA_ARCH_LIST="12.0"
ENV CUDA_ARCHITECTURES=120
ENV CUDAFLAGS="-O3 --use_fast_math -arch=sm_120"
ENV LD_LIBRARY_PATH=/usr/local/cuda/lib64/stubs:/usr/local/cuda/lib64:${LD_LIBRARY_PATH}

RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential cmake git ninja-build ccache \
        cuda-driver-dev-12-9 cudnn9-cuda-12-9 libcublas-dev-12-9

RUN git clone https://github.com/ggerganov/llama.cpp.git /src && \
    cmake -S /src -B /src/build \
        -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CUDA_ARCHITECTURES=120 \
        -DCMAKE_SHARED_LINKER_FLAGS="-L/usr/local/cuda/lib64/stubs" \
        -DGGML_CUDA=ON \
        -DGGML_CUDA_FORCE_CUBLAS=ON \
        -DGGML_CUDA_F16=ON \
        -DGGML_CUDA_GRAPHS=ON \
        -DGGML_CUDA_PEER_MAX_BATCH_SIZE=256 \
        -DGGML_CUDA_NO_VMM=OFF \
        -DGGML_NATIVE=ON \
        -DGGML_LTO=ON \
        -DGGML_BUILD_TESTS=OFF \
        -DGGML_BUILD_EXAMPLES=OFF \
        -DLLAMA_CURL=OFF \
        -DGGML_CCACHE=ON \
        -DGGML_CUDA_DMMV_X=64 \
        -DGGML_CUDA_MMV_Y=2 \
        -DGGML_CUDA_GRAPHS=ON \
        -DGGML_CUDA_KQUANTS_ITER=2 \
        -DGGML_CUDA_FA_ALL_QUANTS=ON && \
    cmake --build /src/build --target llama-server --config Release -j$(nproc)

FROM nvidia/cuda:12.9.1-runtime-ubuntu24.04

RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates libgomp1 libcublas-12-9 \
        cudnn9-cuda-12-9 cuda-driver-dev-12-9 cuda-cupti-12-9 cuda-nvtx-12-9

ENV LD_LIBRARY_PATH=/usr/local/cuda/lib64:${LD_LIBRARY_PATH}
ENV CUDA_MODULE_LOADING=LAZY
ENV CUDA_DEVICE_ORDER=FASTEST_FIRST
ENV CUDA_VISIBLE_DEVICES=0
ENV CUDA_LAUNCH_BLOCKING=0
ENV CUDNN_LOGINFO_DBG=0
ENV CUDA_CACHE_DISABLE=0
ENV CUDA_FORCE_PTX_JIT=0
ENV GGML_CUDA_GRAPHS=1
ENV GGML_CUDA_MAX_STREAMS=1
ENV GGML_CUDA_FORCE_SYNC=0

RUN useradd --system app
USER app
WORKDIR /app

COPY --from=builder --chown=app /src/build/bin/llama-server /app/server
COPY --from=builder --chown=app /src/build/bin/* /app/

EXPOSE 8004
CMD ["./server", \
    "--model", "/models/model.gguf", \
    "--host", "0.0.0.0", \
    "--port", "8004", \
    "--n-gpu-layers", "999", \
    "--ctx-size", "65536", \
    "--threads", "1", \
    "--metrics", \
    "--no-warmup", \
    "--flash-attn", \
    "--mlock", \
    "--no-mmap", \
    "--main-gpu", "0", \
    "--parallel", "1" \
]
