-- The tables of the benchmark corpora: an order business after TPC-H, a warehouse after TPC-C, a film base after JOB.
CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name char(25), r_comment varchar(152));
CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name char(25), n_regionkey int REFERENCES region, n_comment varchar(152));
CREATE TABLE supplier (s_suppkey int PRIMARY KEY, s_name char(25), s_address varchar(40), s_nationkey int REFERENCES nation, s_phone char(15), s_acctbal numeric(15,2), s_comment varchar(101));
CREATE TABLE part (p_partkey int PRIMARY KEY, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), p_size int, p_container char(10), p_retailprice numeric(15,2), p_comment varchar(23));
CREATE TABLE partsupp (ps_partkey int REFERENCES part, ps_suppkey int REFERENCES supplier, ps_availqty int, ps_supplycost numeric(15,2), ps_comment varchar(199), PRIMARY KEY (ps_partkey, ps_suppkey));
CREATE TABLE customer (c_custkey int PRIMARY KEY, c_name varchar(25), c_address varchar(40), c_nationkey int REFERENCES nation, c_phone char(15), c_acctbal numeric(15,2), c_mktsegment char(10), c_comment varchar(117));
CREATE TABLE orders (o_orderkey bigint PRIMARY KEY, o_custkey int REFERENCES customer, o_orderstatus char(1), o_totalprice numeric(15,2), o_orderdate date, o_orderpriority char(15), o_clerk char(15), o_shippriority int, o_comment varchar(79));
CREATE TABLE lineitem (l_orderkey bigint REFERENCES orders, l_partkey int, l_suppkey int, l_linenumber int, l_quantity numeric(15,2), l_extendedprice numeric(15,2), l_discount numeric(15,2), l_tax numeric(15,2), l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25), l_shipmode char(10), l_comment varchar(44), PRIMARY KEY (l_orderkey, l_linenumber));

CREATE SCHEMA tpcc;
CREATE TABLE tpcc.warehouse (w_id int PRIMARY KEY, w_name varchar(10), w_street_1 varchar(20), w_city varchar(20), w_state char(2), w_zip char(9), w_tax numeric(4,4), w_ytd numeric(12,2));
CREATE TABLE tpcc.district (d_id int, d_w_id int REFERENCES tpcc.warehouse, d_name varchar(10), d_street_1 varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id));
CREATE TABLE tpcc.customer (c_id int, c_d_id int, c_w_id int, c_first varchar(16), c_middle char(2), c_last varchar(16), c_street_1 varchar(20), c_city varchar(20), c_state char(2), c_zip char(9), c_phone char(16), c_since timestamp, c_credit char(2), c_credit_lim numeric(12,2), c_discount numeric(4,4), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int, c_delivery_cnt int, c_data varchar(500), PRIMARY KEY (c_w_id, c_d_id, c_id));
CREATE TABLE tpcc.history (h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, h_amount numeric(6,2), h_data varchar(24));
CREATE TABLE tpcc.new_order (no_o_id int, no_d_id int, no_w_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id));
CREATE TABLE tpcc.orders (o_id int, o_d_id int, o_w_id int, o_c_id int, o_entry_d timestamp, o_carrier_id int, o_ol_cnt int, o_all_local int, PRIMARY KEY (o_w_id, o_d_id, o_id));
CREATE TABLE tpcc.order_line (ol_o_id int, ol_d_id int, ol_w_id int, ol_number int, ol_i_id int, ol_supply_w_id int, ol_delivery_d timestamp, ol_quantity int, ol_amount numeric(6,2), ol_dist_info char(24), PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number));
CREATE TABLE tpcc.item (i_id int PRIMARY KEY, i_im_id int, i_name varchar(24), i_price numeric(5,2), i_data varchar(50));
CREATE TABLE tpcc.stock (s_i_id int, s_w_id int, s_quantity int, s_dist_01 char(24), s_dist_02 char(24), s_ytd int, s_order_cnt int, s_remote_cnt int, s_data varchar(50), PRIMARY KEY (s_w_id, s_i_id));

CREATE TABLE title (id int PRIMARY KEY, title text NOT NULL, kind_id int, production_year int, episode_nr int, season_nr int, note text);
CREATE TABLE name (id int PRIMARY KEY, name text NOT NULL, gender char(1), name_pcode_cf text);
CREATE TABLE aka_name (id int PRIMARY KEY, person_id int, name text);
CREATE TABLE char_name (id int PRIMARY KEY, name text);
CREATE TABLE cast_info (id int PRIMARY KEY, person_id int, movie_id int, person_role_id int, note text, nr_order int, role_id int);
CREATE TABLE role_type (id int PRIMARY KEY, role text);
CREATE TABLE kind_type (id int PRIMARY KEY, kind text);
CREATE TABLE company_name (id int PRIMARY KEY, name text, country_code text);
CREATE TABLE company_type (id int PRIMARY KEY, kind text);
CREATE TABLE movie_companies (id int PRIMARY KEY, movie_id int, company_id int, company_type_id int, note text);
CREATE TABLE info_type (id int PRIMARY KEY, info text);
CREATE TABLE movie_info (id int PRIMARY KEY, movie_id int, info_type_id int, info text, note text);
CREATE TABLE movie_info_idx (id int PRIMARY KEY, movie_id int, info_type_id int, info text);
CREATE TABLE keyword (id int PRIMARY KEY, keyword text);
CREATE TABLE movie_keyword (id int PRIMARY KEY, movie_id int, keyword_id int);
CREATE TABLE link_type (id int PRIMARY KEY, link text);
CREATE TABLE movie_link (id int PRIMARY KEY, movie_id int, linked_movie_id int, link_type_id int);
CREATE TABLE complete_cast (id int PRIMARY KEY, movie_id int, subject_id int, status_id int);
