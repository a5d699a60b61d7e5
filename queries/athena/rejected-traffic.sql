-- Which traffic was rejected, by a network ACL or because its connection was closed?
-- A rejected packet is recorded once, so every leg counts.
SELECT
    flow_direction, pkt_srcaddr, pkt_dstaddr, dstport,
    CASE protocol WHEN 1 THEN 'ICMP' WHEN 6 THEN 'TCP' WHEN 17 THEN 'UDP' WHEN 47 THEN 'GRE' WHEN 50 THEN 'ESP' WHEN 51 THEN 'AH' WHEN 58 THEN 'IPv6-ICMP' WHEN 132 THEN 'SCTP' ELSE CAST(protocol AS varchar) END AS transport,
    sum(packets) AS total_packets,
    sum(bytes) AS total_bytes,
    count(*) AS records
FROM recorded_flows
WHERE action = 'REJECT'
    -- To look at one recording, put the conditions of its e-mail here.
GROUP BY flow_direction, pkt_srcaddr, pkt_dstaddr, dstport, protocol
ORDER BY total_packets DESC
LIMIT 100
