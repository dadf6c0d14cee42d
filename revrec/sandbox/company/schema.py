"""The tables of the data file, in steps: a file from an earlier step is upgraded to the last one."""

TABLES = (
    "sodocumententry",
    "sodocument",
    "arinvoiceitem",
    "arinvoice",
    "glentry",
    "glbatch",
    "control_id",
    "closed_period",
    "master",
    "counter",
)
"""All tables, children before their parents."""

_JOURNAL_ENTRIES = """
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE master (
  kind TEXT NOT NULL, id TEXT NOT NULL, recordno INTEGER NOT NULL, name TEXT NOT NULL,
  active INTEGER NOT NULL, parent TEXT NOT NULL, details TEXT NOT NULL,
  PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE closed_period (entity TEXT PRIMARY KEY, through TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE control_id (
  scope TEXT NOT NULL, id TEXT NOT NULL, function TEXT NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (scope, id)) WITHOUT ROWID;
CREATE TABLE glbatch (
  recordno INTEGER PRIMARY KEY, batchno INTEGER NOT NULL, journal TEXT NOT NULL, batch_date TEXT NOT NULL,
  batch_title TEXT NOT NULL, referenceno TEXT, baselocation TEXT, state TEXT NOT NULL, posted INTEGER NOT NULL,
  reversedate TEXT, reversedkey INTEGER, reversedfrom INTEGER, history TEXT, supdocid TEXT,
  private_entity TEXT, created_by TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL,
  UNIQUE (journal, batchno));
CREATE INDEX glbatch_reference ON glbatch (referenceno);
CREATE INDEX glbatch_date ON glbatch (batch_date);
CREATE TABLE glentry (
  recordno INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES glbatch (recordno) ON DELETE CASCADE,
  line_no INTEGER NOT NULL, entry_date TEXT NOT NULL, posted INTEGER NOT NULL, account TEXT NOT NULL,
  sign INTEGER NOT NULL CHECK (sign IN (1, -1)), currency TEXT NOT NULL,
  trx_mills INTEGER NOT NULL, base_mills INTEGER NOT NULL, rate TEXT, rate_type TEXT, rate_date TEXT,
  document TEXT, description TEXT, location TEXT, department TEXT, projectid TEXT, taskid TEXT, costtypeid TEXT,
  customerid TEXT, vendorid TEXT, employeeid TEXT, itemid TEXT, classid TEXT, contractid TEXT, warehouseid TEXT,
  UNIQUE (batch, line_no));
CREATE INDEX glentry_account ON glentry (account, entry_date);
CREATE INDEX glentry_document ON glentry (document);
"""

_DIMENSIONS = (
    "location TEXT, department TEXT, projectid TEXT, taskid TEXT, costtypeid TEXT, customerid TEXT, vendorid TEXT, "
    "employeeid TEXT, itemid TEXT, classid TEXT, contractid TEXT, warehouseid TEXT"
)
_ORDERS = f"""
ALTER TABLE glbatch ADD COLUMN module TEXT NOT NULL DEFAULT '2.GL';
ALTER TABLE glbatch ADD COLUMN prrecord INTEGER;
CREATE TABLE arinvoice (
  recordno INTEGER PRIMARY KEY, recordid TEXT NOT NULL, module TEXT NOT NULL, state TEXT NOT NULL,
  customer TEXT NOT NULL, created_day TEXT NOT NULL, posted_day TEXT NOT NULL, due_day TEXT NOT NULL, term TEXT,
  currency TEXT NOT NULL, mills INTEGER NOT NULL, base_mills INTEGER NOT NULL, description TEXT, docnumber TEXT,
  docid TEXT, glbatch INTEGER, custom TEXT NOT NULL, private_entity TEXT, created_by TEXT NOT NULL,
  created TEXT NOT NULL, modified TEXT NOT NULL);
CREATE INDEX arinvoice_recordid ON arinvoice (recordid);
CREATE TABLE arinvoiceitem (
  recordno INTEGER PRIMARY KEY, invoice INTEGER NOT NULL REFERENCES arinvoice (recordno) ON DELETE CASCADE,
  line_no INTEGER NOT NULL, account TEXT NOT NULL, offset_account TEXT NOT NULL, mills INTEGER NOT NULL,
  base_mills INTEGER NOT NULL, memo TEXT, {_DIMENSIONS}, UNIQUE (invoice, line_no));
CREATE TABLE sodocument (
  recordno INTEGER PRIMARY KEY, docid TEXT NOT NULL UNIQUE, definition TEXT NOT NULL, docno TEXT NOT NULL,
  state TEXT NOT NULL, customer TEXT NOT NULL, created_day TEXT NOT NULL, posted_day TEXT NOT NULL,
  due_day TEXT NOT NULL, term TEXT, reference TEXT, message TEXT, currency TEXT NOT NULL, mills INTEGER NOT NULL,
  base_mills INTEGER NOT NULL, createdfrom TEXT, externalid TEXT, prrecord INTEGER, custom TEXT NOT NULL,
  body TEXT NOT NULL, private_entity TEXT, created_by TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL);
CREATE INDEX sodocument_createdfrom ON sodocument (createdfrom);
CREATE TABLE sodocumententry (
  recordno INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES sodocument (recordno) ON DELETE CASCADE,
  line_no INTEGER NOT NULL, item TEXT NOT NULL, itemdesc TEXT, quantity INTEGER NOT NULL,
  converted INTEGER NOT NULL DEFAULT 0, unit TEXT NOT NULL, price TEXT NOT NULL, mills INTEGER NOT NULL,
  base_mills INTEGER NOT NULL, memo TEXT, source_line INTEGER, account TEXT NOT NULL, custom TEXT NOT NULL,
  {_DIMENSIONS}, UNIQUE (document, line_no));
"""

_USER_DIMENSIONS = "ALTER TABLE glentry ADD COLUMN user_dimensions TEXT NOT NULL DEFAULT '{}';"
"""The record ids of user-defined dimensions by element, as JSON."""

_MASTER_TIMES = """
ALTER TABLE master ADD COLUMN created TEXT NOT NULL DEFAULT '';
ALTER TABLE master ADD COLUMN modified TEXT NOT NULL DEFAULT '';
"""
"""When a record was created and last changed; empty for the records of an older file."""

_CUSTOM_FIELDS = """
ALTER TABLE glbatch ADD COLUMN custom TEXT NOT NULL DEFAULT '{}';
ALTER TABLE glentry ADD COLUMN custom TEXT NOT NULL DEFAULT '{}';
ALTER TABLE glentry ADD COLUMN base_currency TEXT NOT NULL DEFAULT 'USD';
"""
"""Custom fields by integration name, as JSON, and the base currency of each line's entity."""

_ADJUSTMENTS = "ALTER TABLE arinvoice ADD COLUMN recordtype TEXT NOT NULL DEFAULT 'arinvoice';"
"""Adjustments of receivables are beside the invoices: their fields are the same."""

STEPS = (_JOURNAL_ENTRIES, _ORDERS, _USER_DIMENSIONS, _MASTER_TIMES, _CUSTOM_FIELDS, _ADJUSTMENTS)
"""The statements that upgrade a file from one version to the next. Its version is the number of steps that were run."""
