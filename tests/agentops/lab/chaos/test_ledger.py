"""The ledger counts what happens, whoever dies meanwhile, and tells a good receiver's story of keys."""

import json
import socket
import time
from threading import Thread

from agentops.lab.chaos.ledger import find, read_effects, record


def test_every_unsafe_effect_counts(ledger):
    sock, file = ledger

    receipts = [record(sock, run="r", op="1", key="r-1", effect="unsafe") for _ in range(2)]

    assert receipts == [1, 2]
    assert [(effect.run, effect.op, effect.effect) for effect in read_effects(file)] == [("r", "1", "unsafe")] * 2


def test_an_idempotent_effect_under_one_key_happens_once(ledger):
    sock, file = ledger

    receipts = [record(sock, run="r", op="1", key="k", effect="idempotent") for _ in range(3)]

    assert receipts == [1, 1, 1]
    assert len(list(read_effects(file))) == 1


def test_an_idempotent_effect_under_another_key_counts_again(ledger):
    sock, file = ledger

    for key in ("k1", "k2"):
        record(sock, run="r", op="1", key=key, effect="idempotent")

    assert len(list(read_effects(file))) == 2


def test_an_effect_is_found_by_its_key_and_by_its_operation(ledger):
    sock, _ = ledger
    receipt = record(sock, run="r", op="1", key="k", effect="verifiable")

    assert find(sock, key="k") == find(sock, run="r", op="1") == receipt
    assert find(sock, key="other") is None and find(sock, run="r", op="2") is None


def test_an_effect_counts_though_its_caller_never_reads_the_answer(ledger):
    sock, file = ledger
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(sock)
        caller.sendall(
            json.dumps({"do": "effect", "run": "r", "op": "1", "key": None, "effect": "unsafe"}).encode() + b"\n"
        )

    ends_at = time.monotonic() + 5
    while not (effects := list(read_effects(file))):
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    assert effects[0].op == "1"


def test_many_callers_at_once_are_all_counted(ledger):
    sock, file = ledger
    callers = [
        Thread(target=record, args=(sock,), kwargs={"run": "r", "op": str(n), "key": None, "effect": "unsafe"})
        for n in range(40)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(int(effect.op) for effect in read_effects(file)) == list(range(40))
