"""Creates the resources of the graph in the emulator: one module for each group of resources.

`registry.py` maps a type of resource to its creator. To support another type, write its creator in
the module of its group and add it to the module's CREATORS. A type without a creator is not
created, and the local run lists it when it starts.
"""
