"""A plan becomes images: `docker buildx bake`, watched through BuildKit's own events."""
