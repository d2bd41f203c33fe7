"""A copy of the embeddings that is fast to search. The only package that imports FAISS.

It holds numbers only: the keys of faces, their vectors, and the number of the identity that owns each
face. Names and everything else about a person are in `records`.
"""
