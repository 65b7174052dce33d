"""Ties a panel's widgets to a parameter node so that the tie can be undone."""

_PARAMETER_PROPERTY = "SlicerParameterName"


class GuiBinding:
    """Widgets follow a parameter node, and it follows them, until :meth:`disconnect`.

    Slicer's ``connectGui`` returns no tag to disconnect by (Slicer issue 7547) and leaves an observer on the node. A
    panel that was unloaded would still write into the next panel's node, and VTK crashes when it calls an observer
    whose Python owner was collected.
    """

    def __init__(self, parameterNode, ui):
        widgets = [widget for widget in vars(ui).values() if widget.property(_PARAMETER_PROPERTY)]
        self._parameterNode = parameterNode
        self._observerTags = []
        parameterNode.AddObserver = self._addObserver
        try:
            self._guiTag = parameterNode.connectParametersToGui(
                {widget.property(_PARAMETER_PROPERTY): widget for widget in widgets}
            )
        finally:
            del parameterNode.AddObserver

    def _addObserver(self, event, callback, priority=0.0):
        tag = self._parameterNode.parameterNode.AddObserver(event, callback, priority)
        self._observerTags.append(tag)
        return tag

    def disconnect(self):
        """Leave node and widgets as they are; neither follows the other any more."""
        self._parameterNode.disconnectGui(self._guiTag)
        for tag in self._observerTags:
            self._parameterNode.RemoveObserver(tag)
        self._observerTags = []
