-- Which recovery codes are stored under the key of the data folder (HMAC-SHA256). Those of before are plain SHA-256 and
-- open until they are used or renewed.
ALTER TABLE account_recovery ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0 CHECK (keyed IN (0, 1));
