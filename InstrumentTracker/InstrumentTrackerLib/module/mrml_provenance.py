"""What computes the numbers of the panel at this moment."""

from TemporalReconLib.engine_client.session import is_this_computer

from InstrumentTrackerLib.case_log.background_job import BackgroundJob
from InstrumentTrackerLib.case_log.provenance import Provenance
from InstrumentTrackerLib.case_log.provenance_lookup import provenance_of


class ProvenanceSource:
    """Gives the provenance of the panel's settings; digests of files are computed on a thread.

    :param logic: InstrumentTrackerLogic, with the settings in its parameter node.
    """

    def __init__(self, logic):
        self._logic = logic
        self._job = BackgroundJob()
        self._key = None
        self._found = None

    def __call__(self):
        """As much as is known now; without digests for the moment that it takes to compute them."""
        settings = self._logic.getParameterNode()
        host = settings.engineHost
        isHere = is_this_computer(host)
        device = self._logic.session.status.report.device or settings.device
        source = "live" if isHere else f"live, engine on {host}"
        key = (settings.method, settings.weightsPath, settings.segmenter, device, source)
        outcome = self._job.take()
        if outcome is not None:
            self._found = outcome.result
        if key != self._key and not self._job.is_running:
            self._key, self._found = key, None
            if isHere:
                self._job.start(lambda: provenance_of(*key))
        if self._found is not None and key == self._key:
            return self._found
        return Provenance(method=settings.method, segmenter=settings.segmenter, device=device, source=source)
