"""docstore: a storage-first DocumentArray and vector search with a native core."""
