"""Cores as rows of a table widget."""

import qt

from InstrumentTrackerLib.case_log.core_text import (
    at_least,
    depth_text,
    local_time,
    number,
    percent,
    tip_text,
    verdict_text,
)
from InstrumentTrackerLib.module.mrml_readout_text import MARKS
from InstrumentTrackerLib.scene.mrml_style import VERDICT_STYLES

# Shape and word, as on the display.
_VERDICT_MARKS = {verdict.value: f"{MARKS[style.badge]} " for verdict, style in VERDICT_STYLES.items()}


def showCores(table, records):
    """Fill the table of Log.ui or Review.ui; the first column holds the core's number."""
    table.setRowCount(len(records))
    for row, record in enumerate(records):
        for column, text in enumerate(coreTexts(record)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(record.note or text)
            table.setItem(row, column, item)
    table.resizeColumnsToContents()


def coreTexts(record):
    """In the order of the columns."""
    verdict = verdict_text(record)
    if record.probability is not None:
        verdict += f" (P {percent(record.probability)})"
    return (
        str(record.number),
        local_time(record.marked_at_s),
        record.target_name,
        at_least(record, record.core_miss_mm),
        _VERDICT_MARKS.get(record.verdict, "") + verdict,
        at_least(record, record.distance_mm),
        at_least(record, record.lateral_mm),
        depth_text(record),
        number(record.angle_deg, "\N{DEGREE SIGN}"),
        tip_text(record),
        "" if record.frame is None else str(record.frame),
    )


def selectedNumber(table):
    """Number of the core in the selected row, None without one."""
    items = table.selectedItems()
    return int(table.item(items[0].row(), 0).text()) if items else None


def selectNumber(table, wanted):
    """Select the row of a core."""
    for row in range(table.rowCount):
        if table.item(row, 0).text() == str(wanted):
            table.selectRow(row)
