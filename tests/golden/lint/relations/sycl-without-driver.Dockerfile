FROM intel/oneapi-basekit:2025.3.0-0-devel-ubuntu24.04 AS build
RUN apt-get update && apt-get install -y git cmake libssl-dev && rm -rf /var/lib/apt/lists/*
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DGGML_SYCL=ON -DCMAKE_C_COMPILER=icx -DCMAKE_CXX_COMPILER=icpx -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON && cmake --build build -j4
RUN mkdir /out && cp -a build/bin/. /out/
FROM ubuntu:24.04
RUN apt-get update && apt-get install -y intel-oneapi-runtime-dpcpp-cpp intel-oneapi-runtime-mkl && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /app/
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/app/llama-server"]

# finds
# error 7 lacks Intel's Level Zero driver
# error 7 lacks libze_loader.so.1
