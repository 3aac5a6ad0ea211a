"""Banks of Uzbekistan, Kuwait and the countries whose IBANs many hold, there to be switched on.

Revision ID: 0021_banks
Revises: 0020_matching_rules
"""
from alembic import op

revision = "0021_banks"
down_revision = "0020_matching_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        INSERT INTO banks (code, name, name_ru, country, active, created_at, updated_at)
        SELECT b.code, b.name, b.name_ru, b.country, false, now(), now() FROM (VALUES
            ('kapitalbank', 'Kapitalbank', 'Капиталбанк', 'UZ'), ('ipakyuli', 'Ipak Yuli Bank', 'Ипак Йули', 'UZ'),
            ('nbk', 'National Bank of Kuwait', 'Национальный банк Кувейта', 'KW'),
            ('n26', 'N26', 'N26', 'DE'), ('revolut_lt', 'Revolut Bank', 'Revolut Bank', 'LT'),
            ('wise_be', 'Wise Europe', 'Wise Europe', 'BE')
        ) AS b (code, name, name_ru, country)
        ON CONFLICT DO NOTHING""")


def downgrade() -> None:
    op.execute("DELETE FROM banks WHERE NOT active AND code IN"
               " ('kapitalbank', 'ipakyuli', 'nbk', 'n26', 'revolut_lt', 'wise_be')")
