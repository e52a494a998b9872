FROM ubuntu:24.04
RUN apt-get update && apt-get install -y git g++ make cmake
COPY . /sd
RUN cmake -S /sd -B /sd/build -DSD_VULKAN=ON -DSD_BUILD_SHARED_LIBS=ON
USER 1000:1000
HEALTHCHECK CMD curl -f http://localhost:1234/live
ENTRYPOINT ["/sd/build/bin/sd-server"]
# finds
# 4 note -DSD_VULKAN=ON is checked against llama.cpp 0c1e57098
# 6 error curl is not installed in the image | install curl, or a small program that asks instead
