FROM fedora:42 AS build
RUN dnf install -y git gcc-c++ cmake vulkan-headers vulkan-loader-devel glslc spirv-headers-devel
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DGGML_VULKAN=ON -DBUILD_SHARED_LIBS=OFF && cmake --build /src/build -j4
FROM fedora:42
RUN dnf install -y mesa-vulkan-drivers libgomp
COPY --from=build /src/build/bin/llama-server /usr/local/bin/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]
