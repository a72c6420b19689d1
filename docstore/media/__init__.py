"""Pure converters between texts, bytes, URIs, images, sound, video and meshes.

Each takes a value and returns a new one, and knows nothing of Documents: the
methods of :class:`docstore.Document` are thin layers over them. Optional
packages (extra ``media``) are imported by the functions that need them.
"""
