FROM ubuntu:24.04
RUN apt-get update && apt-get install -y python3-pip g++ cmake
RUN pip install --break-system-packages llama-cpp-python==0.3.36
USER 10001:10001
CMD ["python3", "-m", "llama_cpp.server", "--host", "0.0.0.0"]

# finds
# error 3 comes without what its server needs | llama-cpp-python[server]==0.3.36
