FROM fedora:43
RUN dnf install -y git cmake gcc-c++ make openssl-devel 'rocm-*' 'rocblas-*' 'hipblas-*'
RUN git clone https://github.com/ggml-org/llama.cpp /src && git -C /src checkout 0c1e57098
WORKDIR /src
RUN cmake -B build -DGGML_NATIVE=OFF -DGGML_HIP=ON -DGPU_TARGETS=gfx1151 && cmake --build build -j4 --target llama-server
USER 10001:10001
EXPOSE 8080
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
HEALTHCHECK CMD ["/bin/true"]
ENTRYPOINT ["/src/build/bin/llama-server"]

# finds nothing
