"""Published numbers, a file for each table or project: what repeats them, and the page of ours beside them."""

from . import altosaar, burda, jang, maf, pythae
from .page import write_row as write_row
from .published import Published as Published

ROWS = {row.name: row for module in (burda, pythae, altosaar, jang, maf) for row in module.ROWS}
