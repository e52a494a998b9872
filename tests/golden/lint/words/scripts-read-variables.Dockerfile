FROM nvidia/cuda:12.9.1-devel-ubuntu24.04 AS base
ARG CMAKE_CUDA_ARCHITECTURES="61;75;86"
ENV CMAKE_CUDA_ARCHITECTURES=${CMAKE_CUDA_ARCHITECTURES}
FROM base AS llama
COPY build-llama.sh /work/
RUN bash /work/build-llama.sh master
FROM nvidia/cuda:12.9.1-runtime-ubuntu24.04
COPY --from=llama /out /app
USER 1000:1000
ENTRYPOINT ["/app/router"]
