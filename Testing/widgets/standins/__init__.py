"""Stand-ins for what only the Slicer desktop has: PythonQt's ``qt``, ``ctk``, qMRML widgets, scripted modules.

Strict on purpose: a name, property or signal that Slicer lacks raises here too. They prove that a module loads,
binds and reacts; they are no proof that it runs in the Slicer desktop.
"""
