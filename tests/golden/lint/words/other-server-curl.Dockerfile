FROM python:3.11-slim
RUN pip install fastapi
HEALTHCHECK CMD curl -f http://localhost:8090/health || exit 1
CMD ["python", "main.py"]
# finds
# 3 error curl is not installed in the image | install curl, or a small program that asks instead
