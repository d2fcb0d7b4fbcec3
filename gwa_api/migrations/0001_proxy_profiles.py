# Proxy profiles and their connections.

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('meters', '0001_initial'),
        ('tariffs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProxyConnection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile_id', models.CharField(max_length=32)),
                ('consumer_id', models.CharField(max_length=32)),
                ('requested_at', models.DateTimeField(blank=True, null=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('ending', models.BooleanField(default=False)),
                ('problem', models.CharField(blank=True, default='', max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='ProxyProfile',
            fields=[
                ('id', models.CharField(max_length=32, primary_key=True, serialize=False, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9_-]{1,32}\\Z')])),
                ('version', models.PositiveIntegerField(default=1)),
                ('scenario', models.CharField(choices=[('HKS3', 'CLS'), ('HKS4', 'EMT'), ('HKS5', 'GATEWAY')], max_length=4)),
                ('local_server_name', models.CharField(max_length=63, unique=True)),
                ('cls_address', models.CharField(blank=True, default='', max_length=80)),
                ('wan_addresses', models.JSONField(default=list)),
                ('wan_sni', models.CharField(blank=True, default='', max_length=253)),
                ('valid_from', models.DateTimeField()),
                ('valid_to', models.DateTimeField(blank=True, null=True)),
                ('max_duration_s', models.PositiveIntegerField(default=172800)),
                ('idle_timeout_s', models.PositiveIntegerField(default=300)),
                ('connect_timeout_s', models.PositiveSmallIntegerField(default=30)),
                ('max_parallel', models.PositiveSmallIntegerField(default=1)),
                ('consumer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='meters.consumer')),
                ('emt', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='tariffs.marketparticipant')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='proxy_profile_ends_after_its_start')],
            },
        ),
    ]
