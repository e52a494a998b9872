FROM python:3.10-slim
RUN pip install torch==2.1.2 torchvision==0.16.2 --index-url https://download.pytorch.org/whl/cu121
RUN pip install numpy==2.1.0 sentence-transformers==2.3.1
COPY . /app
CMD ["python", "/app/main.py"]
# finds
# 3 error numpy==2.1.0 is too new for torch 2.1.2 | "numpy<2"
