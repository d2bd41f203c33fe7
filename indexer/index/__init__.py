"""A copy of the embeddings that is fast to search. The only room that imports FAISS.

It holds numbers only: keys of faces and their vectors. Whose faces they are is for `records`.
"""
