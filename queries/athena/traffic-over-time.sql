-- How much passed in each minute? A record counts in the minute of its start.
-- Each connection is recorded four times. Only the two records on the client's side name both
-- ends: what the client sent, and what it got. The others would count everything twice.
-- Rejected traffic and what a SKIPDATA record hides are not counted.
-- If the gateway has secondary private addresses, list all of its private addresses in place of
-- GATEWAY-ADDRESS, both times: ('10.0.0.5', '10.0.0.6'). If it is a regional one, do so, and take
-- out the two comparisons dstaddr <> pkt_dstaddr and srcaddr <> pkt_srcaddr.
WITH connections AS (
    SELECT
        CASE flow_direction WHEN 'ingress' THEN pkt_srcaddr ELSE pkt_dstaddr END AS client,
        CASE flow_direction WHEN 'ingress' THEN pkt_dstaddr ELSE pkt_srcaddr END AS peer,
        CASE flow_direction WHEN 'ingress' THEN pkt_dst_aws_service ELSE pkt_src_aws_service END AS peer_service,
        CASE flow_direction WHEN 'ingress' THEN dstport ELSE srcport END AS peer_port,
        CASE protocol WHEN 1 THEN 'ICMP' WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP' WHEN 47 THEN 'GRE' WHEN 50 THEN 'ESP' WHEN 51 THEN 'AH' WHEN 58 THEN 'IPv6-ICMP' WHEN 132 THEN 'SCTP' ELSE CAST(protocol AS varchar) END AS transport,
        from_unixtime("start") AS started,
        date_trunc('minute', from_unixtime("start")) AS minute,
        packets,
        bytes,
        CASE flow_direction WHEN 'ingress' THEN bytes ELSE 0 END AS upload_bytes,
        CASE flow_direction WHEN 'egress' THEN bytes ELSE 0 END AS download_bytes
    FROM recorded_flows
    WHERE action = 'ACCEPT'
        AND (
            (flow_direction = 'ingress' AND dstaddr <> pkt_dstaddr AND pkt_dstaddr NOT IN ('GATEWAY-ADDRESS'))
            OR (flow_direction = 'egress' AND srcaddr <> pkt_srcaddr AND pkt_srcaddr NOT IN ('GATEWAY-ADDRESS'))
        )
        -- To look at one recording, put the conditions of its e-mail here.
)
SELECT
    minute,
    sum(bytes) AS total_bytes,
    sum(upload_bytes) AS upload_bytes,
    sum(download_bytes) AS download_bytes,
    sum(packets) AS total_packets,
    count(*) AS records
FROM connections
GROUP BY minute
ORDER BY minute
LIMIT 10000
