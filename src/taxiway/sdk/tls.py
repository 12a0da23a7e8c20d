"""TLS for calls to AWS: version 1.2 or later, certificates and host names checked.

Amazon's own five roots come first: to read them takes 1 ms, where a system's bundle takes 20. Only this module imports
`ssl`, so a function that speaks plain HTTP does not.
"""

import os
import ssl
import stat

from taxiway.sdk.amazon_roots import PEM
from taxiway.sdk.errors import NotConfigured

CertificateError = ssl.SSLCertVerificationError


def amazon_context() -> ssl.SSLContext:
    """A context that trusts AWS_CA_BUNDLE where that is set, and Amazon's roots where not."""
    bundle = os.environ.get("AWS_CA_BUNDLE")
    context = _context()
    if not bundle:
        context.load_verify_locations(cadata=PEM)
        return context
    try:
        if stat.S_ISDIR(os.stat(bundle).st_mode):  # noqa: PTH116  pathlib takes 3 ms to import
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    except (OSError, ValueError) as error:
        raise NotConfigured(
            f"Cannot read the certificates of AWS_CA_BUNDLE: {error}",
            where=f"in {bundle}",
            fix="let AWS_CA_BUNDLE be the path of a PEM file, or unset it",
        ) from None
    return context


def system_context() -> ssl.SSLContext | None:
    """A context that trusts what the system does; None where AWS_CA_BUNDLE says what is trusted."""
    if os.environ.get("AWS_CA_BUNDLE"):
        return None
    context = _context()
    context.load_default_certs()
    return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificates and host names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
