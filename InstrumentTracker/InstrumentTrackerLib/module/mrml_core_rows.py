"""Cores as rows of a table widget."""

import qt

from InstrumentTrackerLib.case_log.core_text import depth_text, local_time, number, percent, tip_text, verdict_text

_MARKS = {"hit": "\N{BLACK CIRCLE} ", "miss": "\N{MULTIPLICATION X} "}


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
        local_time(record.time_s),
        record.target_name,
        number(record.core_miss_mm, "mm"),
        _MARKS.get(verdict_text(record), "") + verdict,
        number(record.distance_mm, "mm"),
        number(record.lateral_mm, "mm"),
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
