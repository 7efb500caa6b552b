BEGIN ISOLATION LEVEL SERIALIZABLE
;
SELECT c_discount, c_last, c_credit, w_tax FROM tpcc.customer, tpcc.warehouse WHERE w_id = $1 AND c_w_id = w_id AND c_d_id = $2 AND c_id = $3
;
SELECT d_next_o_id, d_tax FROM tpcc.district WHERE d_id = $1 AND d_w_id = $2 FOR UPDATE
;
UPDATE tpcc.district SET d_next_o_id = d_next_o_id + 1 WHERE d_id = $1 AND d_w_id = $2 RETURNING d_next_o_id - 1, d_tax
;
INSERT INTO tpcc.orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES ($1, $2, $3, $4, current_timestamp, $5, $6)
;
INSERT INTO tpcc.new_order (no_o_id, no_d_id, no_w_id) VALUES ($1, $2, $3)
;
SELECT i_price, i_name, i_data FROM tpcc.item WHERE i_id = $1
;
SELECT s_quantity, s_data, s_dist_01, s_dist_02 FROM tpcc.stock WHERE s_i_id = $1 AND s_w_id = $2 FOR UPDATE
;
SELECT s_i_id, s_quantity, CASE $1::int WHEN 1 THEN s_dist_01 ELSE s_dist_02 END AS dist FROM tpcc.stock WHERE (s_i_id, s_w_id) IN (($2, $3), ($4, $5)) ORDER BY s_i_id FOR NO KEY UPDATE OF stock
;
UPDATE tpcc.stock SET s_quantity = CASE WHEN s_quantity >= $1 + 10 THEN s_quantity - $1 ELSE s_quantity + 91 - $1 END, s_ytd = s_ytd + $1, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $2 WHERE s_i_id = $3 AND s_w_id = $4
;
INSERT INTO tpcc.order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9), ($1, $2, $3, $10, $11, $12, $13, $14, $15)
;
COMMIT
;
UPDATE tpcc.warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 RETURNING w_street_1, w_city, w_state, w_zip, w_name
;
UPDATE tpcc.district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3
;
SELECT count(c_id) FROM tpcc.customer WHERE c_last = $1 AND c_d_id = $2 AND c_w_id = $3
;
SELECT c_first, c_middle, c_id, c_balance, c_credit_lim FROM tpcc.customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY c_first OFFSET $4 ROWS FETCH NEXT 1 ROW ONLY
;
SELECT c_data FROM tpcc.customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3
;
UPDATE tpcc.customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1, c_data = substr($2 || ' ' || c_data, 1, 500) WHERE c_w_id = $3 AND c_d_id = $4 AND c_id = $5
;
INSERT INTO tpcc.history VALUES ($1, $2, $3, $4, $5, now(), $6, $7)
;
SELECT o_id, o_entry_d, o_carrier_id FROM tpcc.orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 AND o_id = (SELECT max(o_id) FROM tpcc.orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3)
;
SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM tpcc.order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3
;
DELETE FROM tpcc.new_order WHERE (no_w_id, no_d_id, no_o_id) IN (SELECT no_w_id, no_d_id, min(no_o_id) FROM tpcc.new_order WHERE no_w_id = $1 GROUP BY no_w_id, no_d_id) RETURNING no_d_id, no_o_id
;
WITH oldest AS (SELECT no_o_id, no_d_id FROM tpcc.new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1 FOR UPDATE SKIP LOCKED),
     gone AS (DELETE FROM tpcc.new_order n USING oldest o WHERE n.no_w_id = $1 AND n.no_d_id = o.no_d_id AND n.no_o_id = o.no_o_id RETURNING n.no_o_id)
UPDATE tpcc.orders SET o_carrier_id = $3 FROM gone WHERE o_id = gone.no_o_id AND o_d_id = $2 AND o_w_id = $1 RETURNING o_c_id
;
UPDATE tpcc.order_line SET ol_delivery_d = current_timestamp WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3
;
SELECT sum(ol_amount) FROM tpcc.order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3
;
UPDATE tpcc.customer c SET (c_balance, c_delivery_cnt) = (SELECT c.c_balance + sum(ol_amount), c.c_delivery_cnt + 1 FROM tpcc.order_line WHERE ol_w_id = $1 AND ol_o_id = $2) WHERE c.c_w_id = $1 AND c.c_id = $3
;
SELECT count(DISTINCT s_i_id) FROM tpcc.order_line, tpcc.stock, tpcc.district WHERE d_w_id = $1 AND d_id = $2 AND ol_w_id = d_w_id AND ol_d_id = d_id AND ol_o_id < d_next_o_id AND ol_o_id >= d_next_o_id - 20 AND s_w_id = d_w_id AND s_i_id = ol_i_id AND s_quantity < $3
;
MERGE INTO tpcc.stock s USING (VALUES ($1::int, $2::int, $3::int)) AS v (i, w, q) ON s.s_i_id = v.i AND s.s_w_id = v.w
WHEN MATCHED AND s.s_quantity > v.q THEN UPDATE SET s_quantity = s.s_quantity - v.q
WHEN MATCHED THEN DO NOTHING
WHEN NOT MATCHED THEN INSERT (s_i_id, s_w_id, s_quantity) VALUES (v.i, v.w, v.q)
;
COPY tpcc.item (i_id, i_im_id, i_name, i_price, i_data) FROM STDIN WITH (FORMAT csv, DELIMITER '|')
;
SELECT d_w_id, d_id, d_next_o_id - 1, max(o_id), max(no_o_id) FROM tpcc.district LEFT JOIN tpcc.orders ON o_w_id = d_w_id AND o_d_id = d_id LEFT JOIN tpcc.new_order ON no_w_id = d_w_id AND no_d_id = d_id GROUP BY d_w_id, d_id HAVING d_next_o_id - 1 <> max(o_id)
;
ROLLBACK
