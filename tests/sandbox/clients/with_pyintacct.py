"""Calls of the PyPI client pyintacct; prints their results as JSON. The argument is the sandbox's address."""

import json
import sys

from pyintacct import IntacctAPI
from pyintacct.exceptions import IntacctException
from pyintacct.models.accounts_receivable import ARInvoice
from pyintacct.models.order_entry import SOTransaction

address = json.loads(sys.argv[1])
login = {
    "SENDER_ID": address["sender_id"],
    "SENDER_PW": address["sender_password"],
    "COMPANY_ID": address["company_id"],
    "USER_ID": address["user_id"],
    "USER_PW": address["user_password"],
}
intacct = IntacctAPI(login)


def texts(answer, tag):
    return [str(node) for node in answer.find_nodes_with_tag(tag)]


def error_of(call):
    try:
        call()
    except IntacctException as error:
        return str(error)
    return None


def line(sign, account):
    return {"ACCOUNTNO": account, "TR_TYPE": sign, "TRX_AMOUNT": "12.50", "LOCATION": "100"}


found = {"objects": len(texts(intacct.inspect(), "type"))}
found["fields"] = texts(intacct.inspect("GLBATCH"), "Field")
found["lengths"] = texts(intacct.inspect("GLBATCH", detail=True), "maxLength")
found["accounts"] = [str(one["ACCOUNTNO"]) for one in intacct.read_by_query("GLACCOUNT", "", "ACCOUNTNO", pagesize=4)]

created = intacct.create({"DEPARTMENT": {"DEPARTMENTID": "D-1", "TITLE": "New"}})
found["department"] = texts(created, "DEPARTMENTID")
number = texts(created, "RECORDNO")[0]
intacct.update({"DEPARTMENT": {"DEPARTMENTID": "D-1", "TITLE": "Newer"}})
departments = intacct.read_by_query("DEPARTMENT", "DEPARTMENTID = 'D-1'", "TITLE,WHENMODIFIED")
found["title"] = [str(one["TITLE"]) for one in departments]
intacct.delete("DEPARTMENT", [number])
found["departments_left"] = len(intacct.read_by_query("DEPARTMENT", "DEPARTMENTID = 'D-1'", "TITLE"))

entry = {"JOURNAL": "RR", "BATCH_DATE": "03/31/2025", "BATCH_TITLE": "From Python"}
entry["ENTRIES"] = {"GLENTRY": [line("1", "2400"), line("-1", "4000")]}
posted = texts(intacct.create({"GLBATCH": entry}), "RECORDNO")[0]
found["state"] = [str(one["STATE"]) for one in intacct.read_by_query("GLBATCH", f"RECORDNO = {posted}", "STATE")]
intacct.delete("GLBATCH", [posted])

day = {"year": "2025", "month": "03", "day": "12"}
lines = {"lineitem": [{"glaccountno": "2400", "amount": "25.00", "locationid": "100"}]}
invoice = ARInvoice(customerid="C1007", datecreated=day, termname="Net 30", action="Submit", invoiceitems=lines)
found["invoice"] = texts(intacct.create(invoice), "key")
items = {"sotransitem": [{"itemid": "SUPPORT", "quantity": 2, "unit": "Hour", "price": 80, "locationid": "100"}]}
order = {"transactiontype": "Sales Order", "datecreated": day, "customerid": "C1007", "documentno": "PY-2"}
found["order"] = texts(intacct.create(SOTransaction(**order, termname="Net 30", sotransitems=items)), "key")
intacct.delete(SOTransaction, ["Sales Order-PY-2"])

found["entity"] = len(IntacctAPI(login | {"ENTITY_ID": "100"}).read_by_query("LOCATION", "", "LOCATIONID"))
found["errors"] = {
    "journal": error_of(lambda: intacct.create({"GLBATCH": entry | {"JOURNAL": "NONE"}})),
    "field": error_of(lambda: intacct.read_by_query("GLBATCH", "", "NOTHING")),
    "password": error_of(lambda: IntacctAPI(login | {"USER_PW": "x"}).get_session_id()),
}
print(json.dumps(found))
