# Ways to partners, and sealed deliveries.

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gwa_api', '0001_proxy_profiles'),
        ('tariffs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='SealedDelivery',
            fields=[
                ('message_id', models.UUIDField(primary_key=True, serialize=False)),
                ('content', models.BinaryField()),
                ('sha256', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='CommunicationProfile',
            fields=[
                ('id', models.CharField(max_length=32, primary_key=True, serialize=False, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9_-]{1,32}\\Z')])),
                ('version', models.PositiveIntegerField(default=1)),
                ('addresses', models.JSONField(default=list)),
                ('path', models.CharField(default='/deliveries', max_length=200)),
                ('sni', models.CharField(blank=True, default='', max_length=253)),
                ('route', models.CharField(choices=[('direct', 'Direct'), ('via_gwa', 'Via Gwa')], default='direct', max_length=7)),
                ('suite', models.CharField(choices=[('CMS_ECKAEG_AES_128_GCM', 'CMS_ECKAEG_AES_128_GCM'), ('CMS_ECKAEG_AES_128_CBCCMAC', 'CMS_ECKAEG_AES_128_CBCCMAC'), ('INTEROP', 'INTEROP')], default='CMS_ECKAEG_AES_128_GCM', max_length=32)),
                ('compressed', models.BooleanField(default=True)),
                ('participant', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='communication', to='tariffs.marketparticipant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.Value(1), condition=models.Q(('participant', None)), name='one_way_to_the_gwa')],
            },
        ),
    ]
