"""Text search: words of documents to rows and BM25 scores."""
