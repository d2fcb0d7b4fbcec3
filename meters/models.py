"""Consumers, accounts, meters, and the original list."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.core.validators import RegexValidator
from django.db import models

from hardware.lmn_wireless import CTR, MODE_5, MODE_7

profile_id_rule = RegexValidator(r"\A[A-Za-z0-9_-]{1,32}\Z")
"""Ids of consumers and profiles (decisions D10)."""


class Consumer(models.Model):
    """A consumer (Letztverbraucher): connection user, owner or plant operator."""

    id = models.CharField(max_length=32, primary_key=True, validators=[profile_id_rule])
    name = models.CharField(max_length=64, default="-")
    password_login = models.BooleanField(default=True)
    certificate_login = models.BooleanField(default=False)


class AccountManager(BaseUserManager["Account"]):
    """Finds accounts by user name; accounts are made by `meters.accounts`."""


class Account(AbstractBaseUser):
    """Who may log in: a consumer, the technician or the administrator (R98).

    `ha1_*` hold the digest secrets, encrypted with a sub-key of the device key and
    bound to the row; they are as good as the password and never leave the gateway.
    `certificate` is the SHA-256 (hex) of the one client certificate that logs in, ""
    for none (`meters.account_certificates`). Two roles are `meters.service_roles`.
    """

    class Role(models.TextChoices):
        CONSUMER = "consumer"
        CONFIGURATOR = "configurator"
        TECHNICIAN = "technician"
        ADMINISTRATOR = "administrator"

    username = models.CharField(max_length=32, unique=True)
    role = models.CharField(max_length=13, choices=Role)
    consumer = models.OneToOneField(
        Consumer, on_delete=models.PROTECT, null=True, blank=True
    )
    ha1_md5 = models.BinaryField(default=b"", blank=True)
    ha1_sha256 = models.BinaryField(default=b"", blank=True)
    certificate = models.CharField(max_length=64, default="", blank=True, db_index=True)
    is_active = models.BooleanField(default=True)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(role="consumer", consumer__isnull=False)
                | models.Q(consumer__isnull=True) & ~models.Q(role="consumer"),
                name="only_consumers_have_a_consumer",
            )
        ]

    @property
    def network(self) -> str:
        """Where this account may come from: HAN, or WAN for the administrator (R98)."""
        return "WAN" if self.role == self.Role.ADMINISTRATOR else "HAN"

    def set_password(self, raw_password: str | None) -> None:
        """Refused: the password has three forms, `set_consumer_password` writes all."""
        raise TypeError("use meters.accounts.set_consumer_password")

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password; an outdated Argon2 hash is made anew.

        The digest secrets stay as they are, for the password is the same.
        """

        def store_renewed(password: str | None) -> None:
            self.password = make_password(password)
            self.save(update_fields=["password"])

        return check_password(raw_password, self.password, store_renewed)


class Meter(models.Model):
    """A meter and how it is read (Zählerprofil, gateway-model.md 3.1).

    `server_id` is what the meter calls itself on the wire, hex. `registers` names the
    registers of the original list, 12 hex digits each; empty until the first record
    fixes them (decisions D45). `valid_from` is when the gateway took it over: no
    earlier boundary was missed, whatever older records there are (D52). `security` is
    how a meter on the wired LMN is talked to, and how a wireless meter must protect its
    telegrams; all other sources are plain (D38). `stick` is the kind of radio module
    behind the port of a wireless meter, `obis_rules` what of the OMS table this meter
    does in another way ({"dib", "vib", "obis"}). `max_register_value` is where its
    counters begin at 0 again, in whole units of the register (Wh, m³): None, unknown.
    """

    class Security(models.TextChoices):
        TLS = "tls"
        PLAIN = "plain"
        MODE_7 = MODE_7
        MODE_5 = MODE_5
        CTR = CTR

    class Source(models.TextChoices):
        HDLC = "hdlc"
        SML_PUSH = "sml_push"
        D0_PUSH = "d0_push"
        D0_PULL = "d0_pull"
        REPLAY = "replay"
        WMBUS = "wmbus"

    class Stick(models.TextChoices):
        IM871A = "im871a"
        AMB8465 = "amb8465"
        CUL = "cul"

    id = models.CharField(max_length=16, primary_key=True)
    server_id = models.CharField(max_length=40, unique=True)
    consumer = models.ForeignKey(Consumer, on_delete=models.PROTECT)
    name = models.CharField(max_length=64, default="-")
    medium = models.PositiveSmallIntegerField(default=1)
    source = models.CharField(max_length=12, choices=Source)
    port = models.CharField(max_length=200)
    baudrate = models.PositiveIntegerField(default=921_600)
    registers = models.JSONField(default=list, blank=True)
    allow_unsecured_billing = models.BooleanField(default=False)
    security = models.CharField(max_length=5, choices=Security, default=Security.PLAIN)
    stick = models.CharField(max_length=8, choices=Stick, default="", blank=True)
    obis_rules = models.JSONField(default=list, blank=True)
    max_register_value = models.BigIntegerField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    @property
    def is_wireless(self) -> bool:
        """Whether it sends by radio."""
        return self.source == self.Source.WMBUS

    @property
    def is_plain_source(self) -> bool:
        """Read without the security of the LMN: never for billing by itself (D38).

        On the wire TLS alone has that security, by radio mode 7 (lmn-wireless.md 8).
        """
        return self.security not in (self.Security.TLS, self.Security.MODE_7)


PLAIN_SOURCES = frozenset(
    {
        Meter.Source.SML_PUSH,
        Meter.Source.D0_PUSH,
        Meter.Source.D0_PULL,
        Meter.Source.REPLAY,
    }
)
"""What meters people really have speak, without any security (lmn-wired.md 8)."""


class ListRecord(models.Model):
    """The columns of a value list, original or derived (decisions D41, D42).

    `registers` are the register lines of the signed text, `status` the 64-bit word
    in the FNN dialect, `later_bits` the bits of the later dialect. `number` and
    `chain_hash` make the list a chain. Rows are final (triggers).
    """

    target_time = models.DateTimeField()
    capture_time = models.DateTimeField()
    status = models.BigIntegerField()
    later_bits = models.IntegerField(default=0)
    registers = models.TextField()
    signature = models.BinaryField()
    signer_ski = models.CharField(max_length=40)
    number = models.BigIntegerField()
    chain_hash = models.BinaryField(max_length=32)

    class Meta:
        abstract = True


class OriginalRecord(ListRecord):
    """A row of the original list: one meter, one target time, all its registers."""

    pk = models.CompositePrimaryKey("meter_id", "target_time")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["meter", "number"], name="original_record_number"
            )
        ]


class LiveReading(models.Model):
    """The latest reading of a meter, unsigned, outside the lists (decisions D21)."""

    meter = models.OneToOneField(
        Meter, on_delete=models.CASCADE, primary_key=True, related_name="live"
    )
    captured_at = models.DateTimeField()
    status = models.BigIntegerField()
    registers = models.TextField()


class ReadDemand(models.Model):
    """That a meter is to be read beside the quarter hours (`meters.read_demand`).

    `subject` names who wants it: a profile of the layer above, or a single order.
    `registers` are logical names. With `period_s` 0 it is one reading, given up at
    `end`.
    """

    subject = models.CharField(max_length=32)
    meter = models.ForeignKey(
        Meter, on_delete=models.CASCADE, related_name="read_demands"
    )
    period_s = models.PositiveIntegerField()
    registers = models.JSONField()
    begin = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "meter"], name="read_demand_once"
            )
        ]


class Sample(models.Model):
    """What a meter gave for a demanded instant: unsigned, kept until it is evaluated.

    `status` is the combined word, `registers` are register lines.
    """

    pk = models.CompositePrimaryKey("meter_id", "target_time")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, db_index=False)
    target_time = models.DateTimeField()
    captured_at = models.DateTimeField()
    status = models.BigIntegerField()
    later_bits = models.IntegerField(default=0)
    registers = models.TextField()


class SampledMeter(models.Model):
    """Up to where the demanded instants of a meter are settled: read, or missed.

    Moves forward only, in the transaction of the samples.
    """

    meter = models.OneToOneField(
        Meter, on_delete=models.CASCADE, primary_key=True, related_name="sampled"
    )
    settled_to = models.DateTimeField()


class KeptTelegram(models.Model):
    """A telegram that could not be decoded, kept for the technician (D32).

    `header` is the head of the telegram in hex (what names sender and kind, no value),
    `reason` why it was refused. `payload` is kept only where it is encrypted, so that
    it can be tried again with another key; else it is empty.
    """

    received_at = models.DateTimeField()
    port = models.CharField(max_length=200)
    header = models.CharField(max_length=64)
    length = models.PositiveIntegerField()
    reason = models.CharField(max_length=120)
    payload = models.BinaryField(default=b"", blank=True)


class MeterKey(models.Model):
    """The master key of a wired meter, and the counter of its pairing messages.

    `sealed_key` is encrypted with a sub-key of the device key and bound to the row.
    `counter` is the last one that was used; it only ever goes up.
    """

    meter = models.OneToOneField(
        Meter, on_delete=models.CASCADE, primary_key=True, related_name="key"
    )
    sealed_key = models.BinaryField()
    counter = models.BigIntegerField()


class LmnGatewayCertificate(models.Model):
    """What the gateway shows to wired meters whose keys are on one curve.

    `number` is 0 for the first; renewal makes the next one. `sealed_key` is its
    private key, encrypted as the others are.
    """

    curve = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    certificate = models.BinaryField()
    sealed_key = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["curve", "number"], name="lmn_gateway_certificate_number"
            )
        ]


class LmnCredentials(models.Model):
    """What the gateway and a wired meter know each other by.

    `certificate` is the meter's (its private key is nowhere but in the meter),
    `gateway_certificate` the one that the meter knows. `number` counts the meter's
    certificates. Proposed ones are on their way to the meter; at most one row of a
    meter is active.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed"
        ACTIVE = "active"
        REPLACED = "replaced"

    meter = models.ForeignKey(
        Meter, on_delete=models.CASCADE, related_name="credentials"
    )
    number = models.PositiveIntegerField()
    certificate = models.BinaryField()
    gateway_certificate = models.ForeignKey(
        LmnGatewayCertificate, on_delete=models.PROTECT
    )
    state = models.CharField(max_length=8, choices=State)
    made_at = models.DateTimeField()
    renewal_wanted = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["meter", "number"], name="lmn_credentials_number"
            ),
            models.UniqueConstraint(
                fields=["meter"],
                condition=models.Q(state="active"),
                name="lmn_credentials_one_active",
            ),
        ]


class UnknownMeter(models.Model):
    """A meter that was heard but is not configured: listed, never read.

    `rssi_dbm` is the strength of its signal, where it is heard by radio.
    """

    server_id = models.CharField(max_length=40, primary_key=True)
    port = models.CharField(max_length=200)
    seen_at = models.DateTimeField()
    rssi_dbm = models.SmallIntegerField(null=True, blank=True)


class WirelessCounter(models.Model):
    """The last message counter of a wireless sender; what is not above it is old.

    `address` is the M-Bus address as an id of 16 hex digits, `kind` one of
    `hardware.wmbus_replay`.
    """

    pk = models.CompositePrimaryKey("address", "kind")
    address = models.CharField(max_length=16)
    kind = models.CharField(max_length=8)
    value = models.BigIntegerField()


class WirelessFormat(models.Model):
    """The heads of a full frame, by which compact frames of such meters are read.

    `type_key` is what all meters of one kind share, hex; `learned_at` orders them.
    """

    pk = models.CompositePrimaryKey("type_key", "signature")
    type_key = models.CharField(max_length=8)
    signature = models.PositiveIntegerField()
    heads = models.BinaryField()
    learned_at = models.DateTimeField()


class RadioPort(models.Model):
    """How many good telegrams of ours a radio module heard: the LED wMT's (R16)."""

    port = models.CharField(max_length=200, primary_key=True)
    received = models.BigIntegerField(default=0)
    received_at = models.DateTimeField()
