FROM ubuntu:24.04 AS build
RUN apt-get update && apt-get install -y git g++ cmake libssl-dev libvulkan-dev glslc spirv-headers
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
RUN cmake -S /src -B /src/build -DGGML_NATIVE=OFF -DGGML_VULKAN=ON -DBUILD_SHARED_LIBS=OFF && cmake --build /src/build -j4
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y libgomp1 libvulkan1
COPY --from=build /src/build/bin/llama-server /usr/local/bin/
USER 10001:10001
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["llama-server"]

# finds
# warning 6 brings a Vulkan driver as a recommendation only [libvulkan1] | install mesa-vulkan-drivers by name
